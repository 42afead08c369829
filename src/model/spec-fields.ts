/** Owns reading fields of a spec's tree by kind: what is of the wrong kind is reported at its place, with what is allowed. Pure. */
import type { SpecDefect, SpecField, SpecNode } from './spec-tree.ts';
import { suggest } from './suggest.ts';
import { quoteValue } from './text.ts';

/** Where a reader stands, and where defects go. */
export interface FieldReader {
  /** Path of the field, e.g. `instances[1].weight`; '' for the document. */
  readonly path: string;
  readonly report: (defect: SpecDefect) => void;
  readonly within: (field: string) => FieldReader;
  readonly item: (index: number) => FieldReader;
  /** The same place, with defects going elsewhere. */
  readonly with: (report: (defect: SpecDefect) => void) => FieldReader;
}

/** A reader at the given path. */
export function fieldReader(report: (defect: SpecDefect) => void, path = ''): FieldReader {
  return {
    path,
    report,
    within: (field) => fieldReader(report, path === '' ? field : `${path}.${field}`),
    item: (index) => fieldReader(report, `${path}[${index}]`),
    with: (other) => fieldReader(other, path),
  };
}

/** A value for a message: quoted and cut, or its kind. */
export function showNode(node: SpecNode): string {
  if (node.kind === 'text') return quoteValue(node.text);
  if (node.kind === 'number') return node.text.length > 40 ? `${node.text.slice(0, 39)}…` : node.text;
  if (node.kind === 'flag') return String(node.value);
  return node.kind === 'null' ? 'an empty value' : `a ${node.kind}`;
}

function wrongKind(reader: FieldReader, node: SpecNode, allowed: string): undefined {
  const value = showNode(node);
  const isScalar = node.kind === 'number' || node.kind === 'flag';
  const hint = allowed.startsWith('true')
    ? 'write true or false, without quotes'
    : `put it in quotes if it is meant as text: "${value}"`;
  reader.report({
    at: node.at,
    field: reader.path,
    value,
    what: `${value} is not allowed here`,
    allowed,
    ...(isScalar ? { fix: hint } : {}),
  });
  return undefined;
}

/** Text; `allowed` says in words what else the field wants of it. */
export function textAt(reader: FieldReader, node: SpecNode, allowed: string): string | undefined {
  return node.kind === 'text' ? node.text : wrongKind(reader, node, allowed);
}

/** True or false. */
export function flagAt(reader: FieldReader, node: SpecNode): boolean | undefined {
  return node.kind === 'flag' ? node.value : wrongKind(reader, node, 'true or false');
}

/** A whole number in plain decimals: no sign, leading zero, other base, fraction or exponent, so that all tools read the same. */
export function numberAt(
  reader: FieldReader,
  node: SpecNode,
  rule: { readonly min: number; readonly max: number; readonly is: string },
): number | undefined {
  const value =
    node.kind === 'number' && /^(0|[1-9][0-9]{0,9})$/.test(node.text) ? Number(node.text) : Number.NaN;
  if (value >= rule.min && value <= rule.max) return value;
  const shown = showNode(node);
  const allowed = `a whole number from ${rule.min} to ${rule.max}, without quotes`;
  reader.report({
    at: node.at,
    field: reader.path,
    value: shown,
    what: `${shown} is not ${rule.is}`,
    allowed,
  });
  return undefined;
}

/** The items of a list of at most `cap` items. */
export function listAt(reader: FieldReader, node: SpecNode, cap: number): readonly SpecNode[] | undefined {
  if (node.kind !== 'list') return wrongKind(reader, node, 'a list');
  if (node.items.length <= cap) return node.items;
  const what = `${node.items.length} items are too many`;
  reader.report({
    at: node.at,
    field: reader.path,
    value: 'a list',
    what,
    allowed: `at most ${cap} a service`,
  });
  return undefined;
}

/** The fields of a map; unknown and missing ones are reported. */
export function mapAt(
  reader: FieldReader,
  node: SpecNode,
  rule: { readonly known: readonly string[]; readonly required: readonly string[]; readonly is: string },
): ReadonlyMap<string, SpecField> | undefined {
  if (node.kind !== 'map') return wrongKind(reader, node, rule.is);
  for (const [name, field] of node.fields) {
    if (rule.known.includes(name)) continue;
    const near = suggest(name, rule.known);
    reader.report({
      at: field.at,
      field: reader.within(plainName(name)).path,
      value: quoteValue(name),
      what: `unknown field ${quoteValue(name)}${near === undefined ? '' : `; did you mean ${near}?`}`,
      allowed: rule.known.join(', '),
    });
  }
  for (const name of rule.required.filter((wanted) => !node.fields.has(wanted))) {
    const allowed = name === 'instances' ? 'a list; [] for none' : `${name} must be there`;
    reader.report({
      at: node.at,
      field: reader.within(name).path,
      what: `the field ${name} is missing`,
      allowed,
    });
  }
  return node.fields;
}

/** A foreign field name as part of a path. */
function plainName(name: string): string {
  return /^[\w-]{1,40}$/.test(name) ? name : '?';
}
