/** Owns a service under test: decisions every 2 s, each carried out at once, on loads that a test writes down. */
import { decideScaling, type ScalingDecision, type ScalingInput } from '../../src/balance/scaling.ts';
import type { LoadSample, ScaledInstance } from '../../src/balance/scaling-readings.ts';
import type { ScalingPolicy } from '../../src/model/policy-scaling.ts';
import type { ScalingState } from '../../src/model/scaling.ts';

const LOOK_SECONDS = 2;
/** Milliseconds since 1970 at second 0. */
export const WALL_MS = Date.UTC(2026, 0, 1);

/** The product's defaults, on cpu at 70 %. */
export const CPU_POLICY: ScalingPolicy = {
  min: 1,
  max: 100,
  metrics: [{ kind: 'cpu', name: 'cpu', target: 0.7 }],
  mode: 'act',
  downAfterSeconds: 300,
  cooldownUpSeconds: 0,
  cooldownDownSeconds: 30,
};

/** What each instance measures at a second, as so many are there. */
export type Load = (second: number, replicas: number) => Omit<LoadSample, 'arrivedMs'>;

/** Processors of every instance, always. */
export const constantLoad =
  (cpu: number): Load =>
  () => ({ cpu });

/** So many instances' worth of work, spread over those that are there. */
export const spread =
  (work: (second: number) => number): Load =>
  (second, replicas) => ({ cpu: Math.min(1, work(second) / replicas) });

/** Instances that have long been ready and all measure the same. */
export function instances(
  count: number,
  second: number,
  load: Omit<LoadSample, 'arrivedMs'>,
): readonly ScaledInstance[] {
  return Array.from({ length: count }, () => {
    return { readySinceMs: (second - 1_000) * 1_000, load: { arrivedMs: second * 1_000, ...load } };
  });
}

/** How a service is driven. */
export interface Drive {
  readonly from?: number;
  readonly to: number;
  readonly replicas: number;
  readonly load: Load;
  readonly policy?: ScalingPolicy;
  readonly state?: ScalingState | undefined;
  /** Changes what would be decided from. */
  readonly input?: (input: ScalingInput, second: number) => ScalingInput;
}

/** Decisions by second. */
export function drive({
  from = 0,
  to,
  replicas,
  load,
  policy = CPU_POLICY,
  state,
  input = (same) => same,
}: Drive) {
  const decisions: (ScalingDecision & { readonly second: number })[] = [];
  let count = replicas;
  let before = state;
  for (let second = from; second < to; second += LOOK_SECONDS) {
    const seen: ScalingInput = {
      policy,
      replicas: count,
      instances: instances(count, second, load(second, count)),
      values: new Map(),
      now: { ms: second * 1_000, wallMs: WALL_MS + second * 1_000 },
    };
    const decision = decideScaling(input(seen, second), before);
    before = decision.state;
    if (decision.act) count = decision.final;
    decisions.push({ ...decision, second });
  }
  return decisions;
}

/** The numbers of instances after each decision. */
export const finals = (decisions: readonly ScalingDecision[]): readonly number[] =>
  decisions.map(({ final }) => final);
