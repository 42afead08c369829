/** Owns weights: integers 0-65535; 0 = no new connections. Pure. */
import { SluiceError } from '../errors.ts';
import { quoteValue } from './text.ts';

/** Largest weight. */
export const MAX_WEIGHT = 65_535;

/** True for an integer 0-65535. */
export function isWeight(value: unknown): value is number {
  return (
    typeof value === 'number' &&
    Number.isInteger(value) &&
    value >= 0 &&
    value <= MAX_WEIGHT &&
    !Object.is(value, -0)
  );
}

/**
 * Parses a weight from plain ASCII decimals.
 * @throws SluiceError `invalid-spec`
 */
export function parseWeight(text: string, field = 'weight'): number {
  const weight = /^(0|[1-9][0-9]{0,4})$/.test(text) ? Number(text) : Number.NaN;
  if (isWeight(weight)) return weight;
  throw new SluiceError('invalid-spec', `${field}: ${quoteValue(text)} is not a weight`, {
    why: `a weight is a whole number from 0 to ${MAX_WEIGHT}; 0 means no new connections`,
    fix: 'write for example 10.0.1.11:8080=3',
    details: { field, value: text, allowed: `0-${MAX_WEIGHT}` },
  });
}
