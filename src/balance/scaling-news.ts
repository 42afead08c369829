/** Owns which decisions about the number of instances are worth a record: what is done, and what keeps it from being done, not every look. Pure. */
import type { ScalingLimiter, ScalingOutcome } from '../model/scaling.ts';

/** Reasons that come and go with the noise of a load are told at most this often. */
const NOISE_MS = 60_000;
const NOISY: readonly ScalingLimiter['kind'][] = ['none', 'tolerance', 'stabilised', 'rate', 'cooldown'];

/** A decision that was recorded, and when, by the clock of whoever decides. */
export interface Recorded {
  readonly outcome: ScalingOutcome;
  readonly ms: number;
}

/**
 * True if the outcome is worth a record after the last recorded one: it changes the number (of a recommendation: another number than the last
 * one), or the number stays for another reason than before.
 */
export function isNews(last: Recorded | undefined, next: Recorded): boolean {
  if (last === undefined) return true;
  const { outcome } = next;
  const isSameAdvice =
    outcome.mode === 'recommend' &&
    outcome.from === last.outcome.from &&
    outcome.final === last.outcome.final;
  if (outcome.final !== outcome.from && !isSameAdvice) return true;
  if (outcome.mode !== last.outcome.mode) return true;
  const { kind } = outcome.limiter;
  return kind !== last.outcome.limiter.kind && (!NOISY.includes(kind) || next.ms - last.ms >= NOISE_MS);
}
