/** Owns the words of scaling decisions: what was measured, what each metric proposes, what limited it, what is remembered. Pure data. */
import type { ScalingMode } from './policy-scaling.ts';

/** What one metric asks for. `stale`: more than half of what it is made of is missing, so it asks for nothing and forbids fewer. */
export interface ScalingProposal {
  readonly metric: string;
  readonly target: number;
  readonly isStale: boolean;
  /** Mean an instance over the fast window; 0 if stale. */
  readonly value: number;
  /** Instances needed, by the last 6 s (with what is waiting, and with what a saturated service cannot show), and by the last minute. */
  readonly needFast: number;
  readonly needSlow: number;
  /** Instances it asks for; as many as there are, if it asks for no change. */
  readonly want: number;
}

/** What decided the number in the end. */
export type ScalingLimiter =
  /** Nothing: it became what was wanted. */
  | { readonly kind: 'none' }
  /** The need is within 10 % above and 20 % below what is there. */
  | { readonly kind: 'tolerance' }
  /** People set the number by hand. */
  | { readonly kind: 'pin'; readonly until: string }
  | { readonly kind: 'min'; readonly min: number }
  | { readonly kind: 'max'; readonly max: number }
  /** Too much is missing of these metrics. */
  | { readonly kind: 'stale'; readonly metrics: readonly string[] }
  /** No instance is ready for long enough to be believed. */
  | { readonly kind: 'warming' }
  /** More were wanted a moment ago. */
  | { readonly kind: 'stabilised'; readonly count: number; readonly agoSeconds: number }
  /** No more at once. */
  | { readonly kind: 'rate'; readonly direction: 'up' | 'down'; readonly periodSeconds: number }
  | { readonly kind: 'cooldown'; readonly direction: 'up' | 'down'; readonly seconds: number }
  /** It changed its mind too often. */
  | { readonly kind: 'flapping'; readonly reversals: number };

/** What was decided about the number of instances of one service, as a record tells it. */
export interface ScalingOutcome {
  /** As many were asked for until now. */
  readonly from: number;
  /** What the metrics want, within nothing. */
  readonly want: number;
  /** What it becomes. */
  readonly final: number;
  readonly mode: ScalingMode;
  readonly ready: number;
  /** Asked for or starting, or ready for less than 10 s: they count as there, their load does not. */
  readonly coming: number;
  /** Sorted by metric. */
  readonly proposals: readonly ScalingProposal[];
  readonly limiter: ScalingLimiter;
  /** The metric that asks for the most; undefined if none was believed. */
  readonly metric?: string | undefined;
  /** In so many seconds something else may be decided from the same numbers; undefined if only other numbers change it. */
  readonly nextSeconds?: number | undefined;
}

/**
 * `decision/<service>/<time>` of a decision about the number of instances: the fields that every decision has, and what it was made of.
 */
export interface ScalingRecord {
  /** RFC 3339 UTC with milliseconds; the tail of the key. */
  readonly at: string;
  readonly service: string;
  /** One line each: what was decided, and why. */
  readonly what: string;
  readonly why: string;
  /** False: the number stayed as it was, or it is only a recommendation. */
  readonly done: boolean;
  /** Node of the leader that decided. */
  readonly by: string;
  readonly scaling: ScalingOutcome;
}

/** One number measured at one look, over all instances that count. */
export interface ScalingReading {
  readonly metric: string;
  /** Sum over those that were seen; of a metric that people measure: the service's total. */
  readonly sum: number;
  readonly seen: number;
  readonly missing: number;
}

/** What was measured at one look. */
export interface ScalingPoint {
  readonly ms: number;
  readonly ready: number;
  /** Above 95 % of what the instances may use: the need cannot be seen. */
  readonly isSaturated: boolean;
  /** Connections that wait. */
  readonly backlog: number;
  readonly readings: readonly ScalingReading[];
}

/** A change of the number of instances that was seen. */
export interface ScalingChange {
  readonly ms: number;
  readonly from: number;
  readonly to: number;
}

/** What is remembered of a service from one look to the next. Times are milliseconds of the clock of whoever decides. JSON data. */
export interface ScalingState {
  readonly ms: number;
  /** Milliseconds since 1970 at the same look: shows that one of the clocks was set. */
  readonly wallMs: number;
  readonly replicas: number;
  /** What was decided then. */
  readonly final: number;
  /** Of the last minute, oldest first. */
  readonly points: readonly ScalingPoint[];
  /** Recommendations that are larger than every later one, oldest first: what stabilises. */
  readonly peaks: readonly { readonly ms: number; readonly count: number }[];
  /** Own changes, oldest first, as long as a limit looks at them. */
  readonly changes: readonly ScalingChange[];
  /** When the direction turned, within the last hour. */
  readonly reversals: readonly number[];
  readonly direction?: 'up' | 'down' | undefined;
  /** Connections a second of an instance at full load, learned while it is not full. */
  readonly capacity?: number | undefined;
  /** Established connections an instance, learned while it is not full. */
  readonly normalConnections?: number | undefined;
}
