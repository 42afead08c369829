/**
 * Owns the words of a service's policies: how weights follow load, and how the number of instances does. Constants are those of
 * the simulations in docs/benchmarks.md. Pure.
 */
import type { Origin } from './service.ts';

/** Every kind of weights: `equal` shares, the `static` weights that people set, or `adaptive` ones within those. */
export const WEIGHTS_KINDS = ['equal', 'static', 'adaptive'] as const;
/** Every mode: `act`, or `recommend`: decide and record, but change nothing. */
export const SCALING_MODES = ['act', 'recommend'] as const;
/** What a measured number is: a `total` of the service, of which each instance takes `target`, or an `average`, kept at `target`. */
export const METRIC_MEANINGS = ['total', 'average'] as const;

/** Parts of what people set that can be taken away alone. */
export const POLICY_PARTS = ['weights', 'scaling', 'pin'] as const;

/** How shares follow load. */
export interface WeightsPolicy {
  readonly kind: (typeof WEIGHTS_KINDS)[number];
  /** A new instance gets its full share so many seconds after it became ready; 0: at once. */
  readonly slowStartSeconds: number;
}

/** Whether decisions are carried out. */
export type ScalingMode = (typeof SCALING_MODES)[number];

/** What a metric of the admin's own has in common, however it is read. */
interface OwnMetric {
  /** A name that the decisions use; not cpu, connections or rate. */
  readonly name: string;
  readonly target: number;
  readonly as: (typeof METRIC_MEANINGS)[number];
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
}

/** One metric with what an instance should have of it. Each has another name. */
export type ScalingMetric =
  /** Fraction 0-1 of what an instance may use. */
  | { readonly kind: 'cpu'; readonly name: 'cpu'; readonly target: number }
  /** Established connections an instance. */
  | { readonly kind: 'connections'; readonly name: 'connections'; readonly target: number }
  /** New connections a second and instance. */
  | { readonly kind: 'rate'; readonly name: 'rate'; readonly target: number }
  /** A program that prints one number. */
  | (OwnMetric & { readonly kind: 'exec'; readonly command: readonly string[] })
  /** An address that answers with one number. */
  | (OwnMetric & { readonly kind: 'http'; readonly url: string });

/** How many instances there shall be. */
export interface ScalingPolicy {
  readonly min: number;
  readonly max: number;
  /** At least one, sorted by name: the largest proposal counts, and fewer only when all say so. */
  readonly metrics: readonly ScalingMetric[];
  readonly mode: ScalingMode;
  /** Fewer only after fewer were enough for so long. */
  readonly downAfterSeconds: number;
  /** At least so long between two increases. */
  readonly cooldownUpSeconds: number;
  /** At least so long between two decreases. */
  readonly cooldownDownSeconds: number;
}

/** The policies of a service. A part that is not there: weights by the service's origin, no scaling. */
export interface ServicePolicy {
  readonly weights?: WeightsPolicy | undefined;
  readonly scaling?: ScalingPolicy | undefined;
}

/** A number of instances set by hand that no policy changes until it ends. */
export interface ScalingPin {
  readonly replicas: number;
  /** RFC 3339 UTC. */
  readonly until: string;
}

/** Where nothing is said: notes' simulations of slow starts. */
export const DEFAULT_SLOW_START_SECONDS = 10;

/** What a scaling policy is where nothing is said; `max` and a metric must be said. */
export const SCALING_DEFAULTS = {
  min: 1,
  mode: 'act',
  downAfterSeconds: 300,
  cooldownUpSeconds: 0,
  cooldownDownSeconds: 30,
} as const;

/** What a metric of the admin's own is where nothing is said. */
export const METRIC_DEFAULTS = { as: 'total', intervalSeconds: 10, timeoutSeconds: 5 } as const;

/** Order of metrics in a policy: by name. */
export function sortMetrics(metrics: readonly ScalingMetric[]): readonly ScalingMetric[] {
  return metrics.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The weights policy in force: listed instances keep the weights that people gave them, all others adapt. */
export function weightsPolicyOf(policy: ServicePolicy | undefined, origin: Origin): WeightsPolicy {
  const kind = origin === 'static' ? 'static' : 'adaptive';
  return policy?.weights ?? { kind, slowStartSeconds: DEFAULT_SLOW_START_SECONDS };
}

/**
 * The number that a program printed or an address answered: one decimal number, white space around it.
 * @returns undefined for anything else, also NaN, infinite and negative numbers: then there is no value
 */
export function parseMetricValue(text: string): number | undefined {
  const typed = text.slice(0, 100).trim();
  if (!/^\+?[0-9]{1,18}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?$/.test(typed)) return undefined;
  const value = Number(typed);
  return value <= MAX_METRIC_VALUE ? value : undefined;
}

/** Beyond this a measured number of any metric is taken for a mistake. */
export const MAX_METRIC_VALUE = 1e12;
