/** Owns labels of nodes, `KEY=VALUE`, and the selectors that ask for them. Pure. */
import { SluiceError } from '../errors.ts';
import { quoteValue } from './text.ts';

const KEY = /^[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$/;
const VALUE = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;

/** Labels of one node or selector. */
export const MAX_LABELS = 64;

/** What labels may look like, in words. */
export const LABEL_RULE =
  'KEY=VALUE, each of at most 63 letters, digits, ., _ and - (in keys / too), beginning and ending with a letter or digit';

/** Labels by key. */
export type Labels = Readonly<Record<string, string>>;

/** The first pair that is no label, as text, or undefined if all are. */
export function badLabel(labels: Labels): string | undefined {
  const bad = Object.entries(labels).find(([key, value]) => !KEY.test(key) || !VALUE.test(value));
  return bad === undefined ? undefined : bad.join('=');
}

/**
 * Parses `zone=a` texts.
 * @throws SluiceError `invalid-spec`
 */
export function parseLabels(texts: readonly string[], field: string): Labels {
  const pairs = texts.map((text): readonly [string, string] => {
    const at = text.indexOf('=');
    const pair = [text.slice(0, at), text.slice(at + 1)] as const;
    if (at > 0 && badLabel(Object.fromEntries([pair])) === undefined) return pair;
    throw new SluiceError('invalid-spec', `${field}: ${quoteValue(text)} is not a label`, {
      why: `a label is ${LABEL_RULE}`,
      fix: 'write for example zone=a',
      details: { field, value: text.slice(0, 80), allowed: LABEL_RULE },
    });
  });
  return Object.fromEntries(pairs);
}

/** `zone=a,disk=ssd` in the order of keys; '' for none. */
export function formatLabels(labels: Labels): string {
  return Object.entries(labels)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map((pair) => pair.join('='))
    .join(',');
}

/** True if `labels` has every pair of `selector`. */
export function hasLabels(labels: Labels, selector: Labels): boolean {
  return Object.entries(selector).every(
    ([key, value]) => Object.hasOwn(labels, key) && labels[key] === value,
  );
}
