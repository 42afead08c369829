/** Owns sizes in bytes as typed and shown: `512MiB`, `1GiB`, `64kB`. Pure. */
import { SluiceError } from '../errors.ts';
import { quoteValue } from './text.ts';

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};
const RULE = 'a whole number of bytes, or with KiB, MiB, GiB, TiB, kB, MB, GB or TB: 512MiB';

/**
 * Parses a size into bytes.
 * @throws SluiceError `invalid-spec`
 */
export function parseSize(text: string, field = 'size'): number {
  const match = /^([0-9]{1,15})([A-Za-z]{0,3})$/.exec(text);
  const unit = match?.[2] ?? '?';
  const bytes = Object.hasOwn(UNITS, unit) ? Number(match?.[1]) * (UNITS[unit] ?? Number.NaN) : Number.NaN;
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new SluiceError('invalid-spec', `${field}: ${quoteValue(text)} is not a size`, {
    why: `a size is ${RULE}`,
    fix: 'write for example 512MiB',
    details: { field, value: text.slice(0, 80), allowed: RULE },
  });
}

/** `512MiB`, `1GiB`, `1500`: the largest unit that gives a whole number. */
export function formatSize(bytes: number): string {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB']) {
    const size = UNITS[unit] ?? 1;
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return String(bytes);
}
