/** Owns the target of a request: its path as it stands, and its query, every name known and every value UTF-8. Pure. */
import type { SluiceError } from '../../errors.ts';
import { wrongField } from '../../store/api/wire.ts';

/** A target taken apart. */
export interface Target {
  /** Not decoded: a route is matched letter by letter, so that nothing can be another path in disguise. */
  readonly path: string;
  /** What follows `?`, or ''. */
  readonly query: string;
}

/** Takes a target apart. */
export function parseTarget(url: string): Target {
  const at = url.indexOf('?');
  return at < 0 ? { path: url, query: '' } : { path: url.slice(0, at), query: url.slice(at + 1) };
}

/**
 * The values of a query by name.
 * @param names that there are; `any`: the client chooses them
 * @throws SluiceError `invalid-spec` naming the field
 */
export function parseQuery(query: string, names: readonly string[] | 'any'): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const pair of query === '' ? [] : query.split('&')) {
    const at = pair.indexOf('=');
    const name = decodeForm(at < 0 ? pair : pair.slice(0, at), 'query');
    if (names !== 'any' && !names.includes(name)) throw wrongField('query', name, unknownName(names));
    if (values.has(name)) throw wrongField(name, pair, 'must be given once');
    values.set(name, at < 0 ? '' : decodeForm(pair.slice(at + 1), name));
  }
  return values;
}

const unknownName = (names: readonly string[]): string =>
  names.length === 0 ? 'this route takes no query' : `there are ${names.join(', ')}`;

const decodeForm = (text: string, field: string): string => decodeText(text.replaceAll('+', ' '), field);

/** Percent-decoded. @throws SluiceError `invalid-spec` naming the field */
export function decodeText(text: string, field: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw wrongField(field, text, 'must be UTF-8, percent-encoded');
  }
}

/** A whole number from 0. @throws SluiceError `invalid-spec` */
export function numberOf(field: string, text: string | undefined): number {
  const number = /^(0|[1-9][0-9]{0,15})$/.test(text ?? '') ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw wrongNumber(field, text);
}

function wrongNumber(field: string, text: string | undefined): SluiceError {
  return wrongField(field, text, 'must be a whole number from 0');
}
