/** Owns the text of a probability as iptables prints it back, so that drift is a comparison of bytes. Pure. */

/** The kernel keeps a probability as an integer of this many parts (xt_statistic). */
const PARTS = 2 ** 31;
const DIGITS = 11;
/** parts × 5^11 / 2^20 = parts / 2^31 × 10^11, so a tie at the 11th digit is an odd multiple of 2^19 parts. */
const TIE = 2 ** 19;
const FIVES = 5 ** DIGITS;

/**
 * Text of a probability in (0, 1) as `iptables-save` prints it: rounded to 2^-31, 11 digits, ties to even as printf does.
 * It is never 0 nor 1: the nearest possible value takes their place (4.7e-10 or 1 - 4.7e-10).
 */
export function probabilityText(probability: number): string {
  const parts = Math.min(Math.max(Math.round(probability * PARTS), 1), PARTS - 1);
  const multiple = parts / TIE;
  if (multiple % 2 !== 1) return (parts / PARTS).toFixed(DIGITS);
  const below = (multiple * FIVES - 1) / 2;
  return `0.${String(below + (below % 2)).padStart(DIGITS, '0')}`;
}
