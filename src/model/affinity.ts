/** Owns session affinity as one text, `client-ip[=TIMEOUT]` or `none`, on the command line, in specs and in records. Pure. */
import { SluiceError } from '../errors.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { quoteValue } from './text.ts';

/** Time for which a client stays with its instance where none is said: three hours, as in Kubernetes. */
const DEFAULT_AFFINITY_SECONDS = 10_800;
/** Longest time: a day, as in Kubernetes. */
const MAX_AFFINITY_SECONDS = 86_400;

/** What is allowed, in words. */
export const AFFINITY_RULE = 'none, client-ip, or client-ip=TIME with whole seconds from 1s to 24h';

/**
 * Parses `none`, `client-ip` or `client-ip=30m`.
 * @returns seconds after its last new connection for which a client stays with its instance; undefined for none
 * @throws SluiceError `invalid-spec`
 */
export function parseAffinity(text: string, field = 'affinity'): number | undefined {
  if (text === 'none') return undefined;
  if (text === 'client-ip') return DEFAULT_AFFINITY_SECONDS;
  const time = text.startsWith('client-ip=') ? text.slice('client-ip='.length) : undefined;
  const seconds = time === undefined ? Number.NaN : parseDuration(time, field) / 1_000;
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_AFFINITY_SECONDS) return seconds;
  throw new SluiceError('invalid-spec', `${field}: ${quoteValue(text)} is not a session affinity`, {
    why: `a session affinity is ${AFFINITY_RULE}`,
    fix: 'write for example client-ip=30m',
    details: { field, value: text.slice(0, 80), allowed: AFFINITY_RULE },
  });
}

/** Canonical text: `none`, `client-ip=3h`. */
export function formatAffinity(seconds: number | undefined): string {
  return seconds === undefined ? 'none' : `client-ip=${formatDuration(seconds * 1_000)}`;
}
