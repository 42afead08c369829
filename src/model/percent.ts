/** Owns per cent as typed and shown: `70%` for the fraction 0.7. Pure. */
import { SluiceError } from '../errors.ts';
import { quoteValue } from './text.ts';

const RULE = 'whole per cent with its sign: 70%';

/**
 * Parses `70%` into 0.7. Without the sign a number could be meant as a fraction or as per cent, so it is refused.
 * @throws SluiceError `invalid-spec`
 */
export function parsePercent(text: string, field = 'per cent'): number {
  const digits = /^(0|[1-9][0-9]{0,2})%$/.exec(text)?.[1];
  if (digits !== undefined) return Number(digits) / 100;
  const isNumber = /^[0-9.]{1,9}$/.test(text);
  const fraction = isNumber && Number(text) <= 1 ? Math.round(Number(text) * 100) : text;
  throw new SluiceError('invalid-spec', `${field}: ${quoteValue(text)} is not per cent`, {
    why: isNumber ? 'the sign is missing: a fraction or per cent?' : `per cent is ${RULE}`,
    fix: `write ${isNumber ? fraction : '70'}%`,
    details: { field, value: text.slice(0, 80), allowed: RULE },
  });
}

/** `70%` for 0.7. */
export function formatPercent(fraction: number): string {
  return `${Math.round(fraction * 100)}%`;
}
