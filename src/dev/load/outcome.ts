/** PURE. Owns the words of a load run: what is asked, how an attempt can end, what is reported. */
import type { Quantiles } from './histogram.ts';

/**
 * How an attempt ended; exactly one each. `ok` and `slow` were answered; `local` is a fault of the generator's own machine
 * (no port, no file descriptor left), which says nothing about the target.
 */
export const OUTCOMES = ['ok', 'slow', 'refused', 'reset', 'timeout', 'unreachable', 'local'] as const;

/** One of `OUTCOMES`. */
export type Outcome = (typeof OUTCOMES)[number];

/** What a load run does. It ends at `count` attempts, after `durationMs`, or when stopped, whichever is first. */
export interface LoadSpec {
  readonly host: string;
  readonly port: number;
  /** `rate`: open loop, attempts start by the clock whatever the answers do. `concurrency`: so many at a time. */
  readonly pace:
    | { readonly kind: 'rate'; readonly perSecond: number }
    | { readonly kind: 'concurrency'; readonly connections: number };
  /** At most 10,000,000. */
  readonly count: number;
  /** At most 600,000. */
  readonly durationMs: number;
  /** An answer later than this is `slow`; default 1,000. */
  readonly slowMs?: number | undefined;
  /** Default 3,000. */
  readonly timeoutMs?: number | undefined;
}

/** An attempt that was not answered. */
export interface Failure {
  /** Since the run began. */
  readonly atMs: number;
  readonly outcome: Outcome;
  /** The system's word, e.g. ECONNREFUSED; '' if there is none. */
  readonly code: string;
}

/** What a load run found. */
export interface LoadResult {
  readonly attempts: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Answers by the name that the instance gave, sorted by name. */
  readonly instances: Readonly<Record<string, number>>;
  /** Of answered attempts, ms from when the attempt was due (open loop) or began. */
  readonly latency: Quantiles;
  /** How much later than due attempts began, ms: if this is high, the generator was the bottleneck. */
  readonly lag: Quantiles;
  readonly seconds: number;
  readonly perSecond: number;
  /** The first 20 failures. */
  readonly failures: readonly Failure[];
}

const BY_CODE: Readonly<Record<string, Outcome>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ECONNABORTED: 'reset',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETDOWN: 'unreachable',
  EACCES: 'unreachable',
  EPERM: 'unreachable',
};

/** Outcome of a failed attempt by its system code; what no network does is `local`. */
export function outcomeOf(code: string): Outcome {
  return BY_CODE[code] ?? 'local';
}

/** Attempts that were answered. */
export function answered(result: LoadResult): number {
  return result.outcomes.ok + result.outcomes.slow;
}
