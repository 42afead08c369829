/**
 * Owns the decision how many instances a service shall have: what is measured becomes what each metric wants, that becomes one wish, and limits
 * make a number of it (notes on scaling, 3.3). Data that cannot be believed never makes it fewer. Pure: time and memory are arguments.
 */
import type { ScalingPin, ScalingPolicy } from '../model/policy-scaling.ts';
import type { ScalingOutcome, ScalingProposal, ScalingState } from '../model/scaling.ts';
import { timeMs } from '../model/time.ts';
import { learn, recalled, type ScalingNow, withPeak, withPoint } from './scaling-history.ts';
import { bounded, changesKeptMs, type Limited, limited } from './scaling-limits.ts';
import { proposals, wantedByAll } from './scaling-need.ts';
import { look, type Look, type Measured } from './scaling-readings.ts';

/** What is decided from. */
export interface ScalingInput {
  readonly policy: ScalingPolicy;
  readonly pin?: ScalingPin | undefined;
  /** As many as are asked for now, there or not. */
  readonly replicas: number;
  /** Those that serve or will. */
  readonly instances: Measured['instances'];
  /** Latest values of the admin's own metrics, by name. */
  readonly values: Measured['values'];
  readonly now: ScalingNow;
}

/** The outcome, and what the next look needs to know. */
export interface ScalingDecision extends ScalingOutcome {
  /** True if `replicas` is to become `final` now. */
  readonly act: boolean;
  readonly state: ScalingState;
}

/** What was seen and wanted at one look. */
interface Wish {
  readonly seen: Look;
  readonly proposals: readonly ScalingProposal[];
  /** Undefined: nothing can be believed. */
  readonly want: number | undefined;
  readonly state: ScalingState;
}

/** Measures, and what follows from them; the state gets the point, the wish, and what was learned. */
function wishOf(input: ScalingInput, before: ScalingState | undefined): Wish {
  const { policy, replicas, now } = input;
  const peaksKeptMs = policy.downAfterSeconds * 1_000;
  const state = recalled(before, { now, replicas, peaksKeptMs, changesKeptMs: changesKeptMs(policy) });
  const { instances, values } = input;
  const seen = look({ instances, values, metrics: policy.metrics, nowMs: now.ms });
  const points = withPoint(state.points, seen.point);
  const learned = learn(state, seen);
  const all = proposals(policy.metrics, { points, learned, replicas });
  const want = wantedByAll(all, replicas);
  const peaks = withPeak(state.peaks, { ms: now.ms, count: Math.min(want ?? replicas, policy.max) });
  return { seen, proposals: all, want, state: { ...state, ...learned, points, peaks } };
}

/** A pin that has not ended, or undefined. */
function pinned({ pin, now }: ScalingInput): Limited | undefined {
  if (pin === undefined) return undefined;
  const { until, replicas } = pin;
  const leftMs = (timeMs(until) ?? 0) - now.wallMs;
  return leftMs <= 0 ? undefined : { final: replicas, limiter: { kind: 'pin', until }, nextMs: leftMs };
}

/** What is done about a wish. */
function limit({ policy, replicas }: ScalingInput, wish: Wish): Limited {
  const { seen, state, want } = wish;
  const byBounds = bounded(state, policy);
  if (byBounds !== undefined) return byBounds;
  const stale = wish.proposals.filter(({ isStale }) => isStale).map(({ metric }) => metric);
  if (want === undefined && seen.warm === 0 && (seen.point.ready > 0 || replicas > 0)) {
    return { final: replicas, limiter: { kind: 'warming' } };
  }
  // With some metrics stale nothing becomes fewer, and the reason is that, not that the others are content.
  if (want === undefined || (want === replicas && stale.length > 0))
    return { final: replicas, limiter: { kind: 'stale', metrics: stale } };
  return limited(want, state, policy);
}

const need = ({ needFast, needSlow }: ScalingProposal): number => Math.max(needFast, needSlow);

/** The metric that asks for the most. */
function leading(all: readonly ScalingProposal[]): string | undefined {
  return all
    .filter(({ isStale }) => !isStale)
    .toSorted((a, b) => b.want - a.want || need(b) - need(a) || (a.metric < b.metric ? -1 : 1))[0]?.metric;
}

/**
 * Decides once. Equal input, equal decision.
 * @param before the state of the look before; undefined for the first one, after which fewer waits as long as the policy says
 */
export function decideScaling(input: ScalingInput, before: ScalingState | undefined): ScalingDecision {
  const { policy, replicas } = input;
  const wish = wishOf(input, before);
  const { final, limiter, nextMs } = pinned(input) ?? limit(input, wish);
  const { ready } = wish.seen.point;
  const metric = leading(wish.proposals);
  const act = policy.mode === 'act' && final !== replicas;
  return {
    from: replicas,
    want: wish.want ?? replicas,
    final,
    mode: policy.mode,
    ready,
    coming: Math.max(0, Math.max(replicas, ready) - wish.seen.warm),
    proposals: wish.proposals,
    limiter,
    ...(metric === undefined ? {} : { metric }),
    ...(nextMs === undefined ? {} : { nextSeconds: Math.ceil(nextMs / 1_000) }),
    act,
    state: { ...wish.state, final: act ? final : replicas },
  };
}
