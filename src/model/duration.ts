/** Owns lengths of time as typed and shown: `30s`, `10m`, `1h30m`. Pure. */
import { SluiceError } from '../errors.ts';
import { quoteValue } from './text.ts';

const UNITS = [
  { name: 'd', ms: 86_400_000 },
  { name: 'h', ms: 3_600_000 },
  { name: 'm', ms: 60_000 },
  { name: 's', ms: 1_000 },
  { name: 'ms', ms: 1 },
] as const;
const DURATION =
  /^(?=[0-9])(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m(?!s))?(?:([0-9]{1,9})s)?(?:([0-9]{1,9})ms)?$/;
const MAX_MS = 365 * 86_400_000;
const RULE = 'whole numbers with d, h, m, s or ms, largest first, at most 365d: 30s, 10m, 1h30m';

/**
 * Parses a length of time into milliseconds. `0` needs no unit.
 * @param field for the error, e.g. '--timeout'
 * @throws SluiceError `invalid-spec`
 */
export function parseDuration(text: string, field = 'duration'): number {
  if (text === '0') return 0;
  const match = DURATION.exec(text);
  const ms = UNITS.reduce((sum, unit, index) => sum + Number(match?.[index + 1] ?? 0) * unit.ms, 0);
  if (match !== null && ms <= MAX_MS) return ms;
  const missingUnit = /^[0-9]{1,9}$/.test(text);
  throw new SluiceError('invalid-spec', `${field}: ${quoteValue(text)} is not a length of time`, {
    why: missingUnit ? 'the unit is missing' : `a length of time is ${RULE}`,
    fix: missingUnit ? `write ${text}s for seconds or ${text}m for minutes` : 'write for example 30s',
    details: { field, value: text.slice(0, 80), allowed: RULE },
  });
}

/** `1h30m`, `2s500ms`, `0s`: parses back to the same whole milliseconds. Negative lengths count as 0. */
export function formatDuration(ms: number): string {
  let rest = Math.max(0, Math.round(ms));
  let text = '';
  for (const unit of UNITS) {
    const count = Math.floor(rest / unit.ms);
    rest -= count * unit.ms;
    if (count > 0) text += `${count}${unit.name}`;
  }
  return text === '' ? '0s' : text;
}

/** An age in one rounded-down unit for tables: `42s`, `7m`, `3h`, `12d`. Negative ages (clocks differ) are `0s`. */
export function formatAge(ms: number): string {
  const unit = UNITS.find((candidate) => ms >= candidate.ms && candidate.ms >= 1_000);
  return unit === undefined ? '0s' : `${Math.floor(ms / unit.ms)}${unit.name}`;
}
