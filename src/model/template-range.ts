/** Owns ranges of numbers as text: `20000-29999`, or one number. Pure. */
import { SluiceError } from '../errors.ts';
import type { PortRange } from './template.ts';
import { quoteValue } from './text.ts';

const RULE = 'FROM-TO in whole numbers, or one number: 20000-29999';

/**
 * Parses a range; its bounds are checked elsewhere.
 * @throws SluiceError `invalid-spec`
 */
export function parseRange(text: string, field: string): PortRange {
  const match = /^(0|[1-9][0-9]{0,5})(?:-(0|[1-9][0-9]{0,5}))?$/.exec(text);
  if (match !== null) return { from: Number(match[1]), to: Number(match[2] ?? match[1]) };
  throw new SluiceError('invalid-spec', `${field}: ${quoteValue(text)} is not a range`, {
    why: `a range is ${RULE}`,
    fix: 'write for example 20000-29999',
    details: { field, value: text.slice(0, 80), allowed: RULE },
  });
}
