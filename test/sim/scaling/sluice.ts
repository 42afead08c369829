/** Owns the product's own decision as an algorithm of the simulation: it is told what the sampling of nodes would tell it, every 2 s. */
import { decideScaling } from '../../../src/balance/scaling.ts';
import type { LoadSample } from '../../../src/balance/scaling-readings.ts';
import type { ScalingPolicy } from '../../../src/model/policy-scaling.ts';
import type { ScalingState } from '../../../src/model/scaling.ts';
import type { Algorithm, Observation } from './world.ts';

const EVERY_SECONDS = 2;
/** Milliseconds since 1970 at second 0. */
const WALL_MS = Date.UTC(2026, 0, 1);

/** The policy of the simulation: the product's defaults. */
export const POLICY: ScalingPolicy = {
  min: 2,
  max: 30,
  metrics: [{ kind: 'cpu', name: 'cpu', target: 0.7 }],
  mode: 'act',
  downAfterSeconds: 300,
  cooldownUpSeconds: 0,
  cooldownDownSeconds: 30,
};

function loads({ instances, rate, waiting, second }: Observation) {
  const ready = instances.filter(({ isReady }) => isReady).length;
  return instances.map(({ readyAt, isReady, cpu }) => {
    const load: LoadSample = {
      arrivedMs: second * 1_000,
      cpu,
      connections: Math.round((waiting + rate * 0.1) / Math.max(1, ready)),
      acceptQueue: Math.round(waiting / Math.max(1, ready)),
      newConnections: rate / Math.max(1, ready),
    };
    return isReady ? { readySinceMs: readyAt * 1_000, load } : {};
  });
}

/** The product's decision under a policy. */
export function sluice(policy: ScalingPolicy = POLICY): Algorithm {
  let state: ScalingState | undefined;
  return (seen) => {
    if (seen.second % EVERY_SECONDS !== 0) return undefined;
    const decision = decideScaling(
      {
        policy,
        replicas: seen.instances.length,
        instances: loads(seen),
        values: new Map(),
        now: { ms: seen.second * 1_000, wallMs: WALL_MS + seen.second * 1_000 },
      },
      state,
    );
    state = decision.state;
    return decision.act ? decision.final : undefined;
  };
}
