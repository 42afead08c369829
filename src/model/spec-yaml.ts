/**
 * Owns reading YAML specs with positions: YAML 1.2 core without tags, merge keys and directives, aliases bounded. The one place of
 * the `yaml` package, imported only when a spec is YAML. Pure.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, Lexer, parseAllDocuments, type YAMLMap } from 'yaml';
import { MAX_DEPTH } from './limits.ts';
import { type SpecDefect, type SpecField, type SpecNode, SpecSyntax, type SpecText } from './spec-tree.ts';
import { plainText, quoteValue } from './text.ts';

/** How often an alias may be followed in one text: bounds what a small file can grow to. */
const MAX_ALIASES = 20;
/** Lexical tokens of one text: a spec of 1 MiB has about 340,000; what has more is built to keep the parser busy for seconds. */
const MAX_TOKENS = 400_000;
const QUOTE_HINT = 'put values with [ ] { } # or a colon in quotes, e.g. "[fd00::10]:80/tcp"';

/** Control characters by which the lexer marks documents, flow ends and scalars. */
const MARKS = new Set(['\u0002', '\u0018', '\u001f']);
const TOO_DEEP = { what: 'nested too deep', allowed: `at most ${MAX_DEPTH} levels` };

interface Walk {
  readonly document: Document.Parsed;
  /** Shared by the documents of a text. */
  readonly aliases: { followed: number };
  readonly depth: number;
}

function refuse(at: number, what: string, allowed: string): SpecSyntax {
  return new SpecSyntax({ at, field: '', what, allowed });
}

/** Offset of a parsed node; nodes that the parser makes up (an empty value) have none. */
function offsetOf(node: unknown, otherwise: number): number {
  const range: unknown =
    typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : otherwise;
}

function fieldsOf(map: YAMLMap, at: number, walk: Walk): ReadonlyMap<string, SpecField> {
  const fields = new Map<string, SpecField>();
  for (const { key, value } of map.items) {
    const keyAt = offsetOf(key, at);
    if (!isScalar(key) || typeof key.value !== 'string' || key.tag !== undefined) {
      throw refuse(keyAt, 'a field name is not plain text', 'plain text');
    }
    if (fields.has(key.value)) {
      throw refuse(keyAt, `field ${quoteValue(key.value)} is there twice`, 'each field once');
    }
    fields.set(key.value, { at: keyAt, value: nodeOf(value, keyAt, walk) });
  }
  return fields;
}

function scalarOf(value: unknown, source: string | undefined, at: number): SpecNode {
  if (value === null || value === undefined) return { kind: 'null', at };
  if (typeof value === 'string') return { kind: 'text', at, text: value };
  if (typeof value === 'boolean') return { kind: 'flag', at, value };
  if (typeof value === 'number') return { kind: 'number', at, text: source ?? String(value) };
  throw refuse(at, 'a value of a kind that specs do not have', 'text, numbers, true, false, lists and maps');
}

/** @param otherwise offset for a node without one */
function nodeOf(node: unknown, otherwise: number, walk: Walk): SpecNode {
  const at = offsetOf(node, otherwise);
  if (walk.depth === 0) throw refuse(at, TOO_DEEP.what, TOO_DEEP.allowed);
  if (isAlias(node)) {
    walk.aliases.followed += 1;
    if (walk.aliases.followed > MAX_ALIASES) {
      throw refuse(at, 'too many aliases', `aliases followed at most ${MAX_ALIASES} times`);
    }
    const target = node.resolve(walk.document);
    if (target === undefined) throw refuse(at, 'an alias without its anchor', 'an alias after its anchor');
    return nodeOf(target, at, { ...walk, depth: walk.depth - 1 });
  }
  const tag: unknown = isMap(node) || isSeq(node) || isScalar(node) ? node.tag : undefined;
  if (tag !== undefined) throw refuse(at, `tag ${quoteValue(tag)} is not allowed`, 'values without tags');
  const inner = { ...walk, depth: walk.depth - 1 };
  if (isMap(node)) return { kind: 'map', at, fields: fieldsOf(node, at, inner) };
  if (isSeq(node)) return { kind: 'list', at, items: node.items.map((item) => nodeOf(item, at, inner)) };
  return isScalar(node) ? scalarOf(node.value, node.source, at) : scalarOf(node, undefined, at);
}

/** What the parser itself found wrong, warnings (unknown tags) included. */
function parserDefects(document: Document.Parsed): readonly SpecDefect[] {
  const problems = [...document.errors, ...document.warnings].map(({ pos, message, code }) =>
    code === 'RESOURCE_EXHAUSTION'
      ? { at: pos[0], field: '', ...TOO_DEEP }
      : {
          at: pos[0],
          field: '',
          what: `not valid YAML: ${plainText(message, 200)}`,
          allowed: 'YAML 1.2',
          fix: QUOTE_HINT,
        },
  );
  const { version } = document.directives.yaml;
  if (version === '1.2') return problems;
  return [
    { at: 0, field: '', what: `YAML version ${version} is not allowed`, allowed: 'YAML 1.2' },
    ...problems,
  ];
}

/** Looks at the tokens before the parser does: it recurses, and takes seconds over a megabyte of brackets. */
function checkTokens(text: string): void {
  let count = 0;
  let open = 0;
  let at = 0;
  for (const token of new Lexer().lex(text)) {
    count += 1;
    if (token === '[' || token === '{') open += 1;
    else if (token === ']' || token === '}') open -= 1;
    if (open > MAX_DEPTH) throw refuse(at, TOO_DEEP.what, TOO_DEEP.allowed);
    if (count > MAX_TOKENS)
      throw refuse(at, 'too many parts in one text', `at most ${MAX_TOKENS} YAML tokens`);
    // Marks that the lexer adds are not part of the text.
    if (!MARKS.has(token)) at += token.length;
  }
}

function parse(text: string): readonly Document.Parsed[] {
  const documents = parseAllDocuments(text, {
    // Checked in fieldsOf: the parser's own check is quadratic in the number of keys.
    uniqueKeys: false,
    prettyErrors: false,
    stringKeys: true,
    strict: true,
    merge: false,
    schema: 'core',
    version: '1.2',
    resolveKnownTags: false,
    logLevel: 'silent',
  });
  return Array.isArray(documents) ? documents : [];
}

/** Reads all documents of a YAML text; empty documents are left out. Never throws. */
export function readYaml(text: string): SpecText {
  try {
    checkTokens(text);
    const documents = parse(text);
    const defects = documents.flatMap(parserDefects);
    if (defects.length > 0) return { documents: [], defects };
    const aliases = { followed: 0 };
    const nodes = documents.map((document) =>
      nodeOf(document.contents, offsetOf(document, 0), { document, aliases, depth: MAX_DEPTH + 1 }),
    );
    return { documents: nodes.filter((node) => node.kind !== 'null'), defects: [] };
  } catch (error) {
    if (error instanceof SpecSyntax) return { documents: [], defects: [error.defect] };
    // The parser recurses and mostly says so itself; what is left is a text nested hundreds of levels deep.
    if (error instanceof RangeError) return { documents: [], defects: [{ at: 0, field: '', ...TOO_DEEP }] };
    throw error;
  }
}
