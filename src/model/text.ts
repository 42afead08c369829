/** Owns plain text: what free text (reasons, versions, failures) may hold so that a terminal, a log or a table can show it. Pure. */

/** Control characters, line and paragraph separators, marks that turn the direction of text, halves of characters. */
const UNFIT = /[\p{Cc}\p{Cs}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u;
const ALL_UNFIT = new RegExp(`${UNFIT.source}+`, 'gu');

/** True if the text is one line without control characters, escape sequences and direction marks. */
export function isPlainText(text: string): boolean {
  return !UNFIT.test(text);
}

/**
 * The text as one plain line: each run of unfit characters becomes one space; cut to `maxLength` UTF-16 units with `…` at the end.
 * For text that comes from other programs and is shown or stored by us.
 */
export function plainText(text: string, maxLength = 500): string {
  const line = text.replaceAll(ALL_UNFIT, ' ').trim();
  if (line.length <= maxLength) return line;
  return `${line.slice(0, maxLength - 1).replace(/[\ud800-\udbff]$/u, '')}…`;
}

/** A foreign value for an error message: quoted, control characters escaped, at most about 80 characters. */
export function quoteValue(value: unknown): string {
  if (typeof value === 'string') {
    const cut = value.length > 80 ? `${value.slice(0, 79)}…` : value;
    return JSON.stringify(cut).replaceAll(ALL_UNFIT, '?');
  }
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (value === undefined) return 'nothing';
  if (typeof value === 'bigint' || typeof value === 'number' || typeof value === 'boolean')
    return String(value);
  return typeof value;
}
