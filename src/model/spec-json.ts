/**
 * Owns reading JSON specs with positions: one or several JSON values in a text. An own reader, since JSON.parse takes the last of two
 * equal keys in silence and does not say where a value stands. Strict RFC 8259. Pure.
 */
import { MAX_DEPTH } from './limits.ts';
import { type SpecField, type SpecNode, SpecSyntax, type SpecText } from './spec-tree.ts';
import { quoteValue } from './text.ts';

const SPACE = /[ \t\r\n]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const STRING = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORD = /true|false|null/y;

interface Cursor {
  readonly text: string;
  at: number;
}

/** Takes what the sticky pattern matches at the cursor, or undefined. */
function take(cursor: Cursor, pattern: RegExp): string | undefined {
  pattern.lastIndex = cursor.at;
  const match = pattern.exec(cursor.text)?.[0];
  if (match !== undefined) cursor.at += match.length;
  return match;
}

function isNext(cursor: Cursor, symbol: string): boolean {
  take(cursor, SPACE);
  if (cursor.text[cursor.at] !== symbol) return false;
  cursor.at += 1;
  return true;
}

function syntax(cursor: Cursor, allowed: string): SpecSyntax {
  const found = cursor.text[cursor.at];
  const what = found === undefined ? 'the text ends too early' : `${quoteValue(found)} is not expected here`;
  return new SpecSyntax({ at: cursor.at, field: '', what, allowed });
}

function readString(cursor: Cursor): string {
  const source = take(cursor, STRING);
  if (source === undefined) throw syntax(cursor, 'text in double quotes');
  return String(JSON.parse(source));
}

function readMap(cursor: Cursor, depth: number): SpecNode {
  const at = cursor.at - 1;
  const fields = new Map<string, SpecField>();
  if (isNext(cursor, '}')) return { kind: 'map', at, fields };
  do {
    take(cursor, SPACE);
    const keyAt = cursor.at;
    const key = readString(cursor);
    if (fields.has(key)) {
      throw new SpecSyntax({
        at: keyAt,
        field: '',
        value: quoteValue(key),
        what: `field ${quoteValue(key)} is there twice`,
        allowed: 'each field once',
      });
    }
    if (!isNext(cursor, ':')) throw syntax(cursor, 'a colon after the field');
    fields.set(key, { at: keyAt, value: readValue(cursor, depth) });
  } while (isNext(cursor, ','));
  if (!isNext(cursor, '}')) throw syntax(cursor, 'a comma or }');
  return { kind: 'map', at, fields };
}

function readList(cursor: Cursor, depth: number): SpecNode {
  const at = cursor.at - 1;
  const items: SpecNode[] = [];
  if (isNext(cursor, ']')) return { kind: 'list', at, items };
  do {
    items.push(readValue(cursor, depth));
  } while (isNext(cursor, ','));
  if (!isNext(cursor, ']')) throw syntax(cursor, 'a comma or ]');
  return { kind: 'list', at, items };
}

/** @param depth how many levels of maps and lists may still open */
function readValue(cursor: Cursor, depth: number): SpecNode {
  take(cursor, SPACE);
  const at = cursor.at;
  const first = cursor.text[at];
  if (first === '{' || first === '[') {
    if (depth === 0) {
      throw new SpecSyntax({
        at,
        field: '',
        what: 'nested too deep',
        allowed: `at most ${MAX_DEPTH} levels`,
      });
    }
    cursor.at += 1;
    return first === '{' ? readMap(cursor, depth - 1) : readList(cursor, depth - 1);
  }
  if (first === '"') return { kind: 'text', at, text: readString(cursor) };
  const number = take(cursor, NUMBER);
  if (number !== undefined) return { kind: 'number', at, text: number };
  const word = take(cursor, WORD);
  if (word === undefined) throw syntax(cursor, 'a JSON value');
  return word === 'null' ? { kind: 'null', at } : { kind: 'flag', at, value: word === 'true' };
}

/** Reads all JSON values of a text, one after the other (also one a line); stops at the first syntax error. Never throws. */
export function readJson(text: string): SpecText {
  const cursor: Cursor = { text, at: 0 };
  const documents: SpecNode[] = [];
  try {
    for (;;) {
      take(cursor, SPACE);
      if (cursor.at >= text.length) return { documents, defects: [] };
      documents.push(readValue(cursor, MAX_DEPTH));
    }
  } catch (error) {
    if (error instanceof SpecSyntax) return { documents: [], defects: [error.defect] };
    throw error;
  }
}
