/**
 * Owns the weights that the leader writes: which services are weighed, by what their policy says, and what becomes a step. A function of what
 * is known and the time. Pure.
 */
import type { Signals } from '../balance/adaptive/signals.ts';
import type { BalanceState } from '../balance/adaptive/state.ts';
import { type Candidate, weigh, type Weighing, type Weighting } from '../balance/weigh.ts';
import type { ComputedWeight, ComputedWeights } from '../model/computed-weights.ts';
import { weightsPolicyOf } from '../model/policy-scaling.ts';
import type { Instance, Service, Stored } from '../model/service.ts';
import { isServing } from '../model/serving.ts';
import type { Step } from './step.ts';
import type { ClusterState, Now } from './view.ts';

/** What weights are made from besides the view. */
export interface WeighServicesInput {
  readonly signals: Signals;
  readonly now: Now;
  /** What was returned last, by service. */
  readonly states: ReadonlyMap<string, BalanceState>;
}

/** What is to be done, and what the next call needs to know. */
export interface WeighedServices {
  /** Sorted by service. */
  readonly steps: readonly Step[];
  readonly states: ReadonlyMap<string, BalanceState>;
}

/** True for services whose weights are computed; the others have those that people set. */
export const isWeighed = ({ policy, origin }: Service): boolean =>
  weightsPolicyOf(policy, origin).kind !== 'static';

function weightingOf({ policy, origin }: Service): Weighting {
  const { kind, slowStartSeconds } = weightsPolicyOf(policy, origin);
  return kind === 'adaptive' ? { kind, slowStartMs: slowStartSeconds * 1_000 } : { kind };
}

/** Those that get connections; an instance that is not well is not ready. */
function candidatesOf(instances: readonly Stored<Instance>[]): readonly Candidate[] {
  return instances
    .map(({ value }) => value)
    .filter(isServing)
    .map(({ id, ip, weight }) => ({ id, ip, weight, healthy: true }));
}

const plainWeights = ({ weights }: ComputedWeights): ReadonlyMap<string, number> =>
  new Map([...weights].map(([id, { weight }]) => [id, weight]));

/** The base weights of what is written are those of now: a base weight that changed since is a reason to write. */
function hasOldBases(written: ComputedWeights, candidates: readonly Candidate[]): boolean {
  return candidates.some(({ id, weight }) => {
    const known = written.weights.get(id);
    return known !== undefined && known.base !== weight;
  });
}

function stepOf(
  service: Stored<Service>,
  written: Stored<ComputedWeights> | undefined,
  change: { readonly weights: ComputedWeights | undefined; readonly why: string | undefined },
): Step {
  const { name } = service.value;
  const what = change.weights === undefined ? 'take back the computed weights' : 'set weights';
  return {
    service: name,
    topic: 'weights',
    actions: [
      {
        kind: 'weigh',
        service: name,
        weights: change.weights,
        raw: written?.raw ?? {},
        what,
        why: change.why,
      },
    ],
    notices: [],
    basis: [
      { kind: 'service', service: name, modRevision: service.modRevision },
      { kind: 'weights', service: name, modRevision: written?.modRevision ?? 0 },
    ],
  };
}

/** The record of what was weighed. */
function recordOf(
  name: string,
  candidates: readonly Candidate[],
  { weights, reason, at }: Pick<Weighing, 'weights' | 'reason'> & { readonly at: string },
): ComputedWeights {
  const entries = candidates.map(({ id, weight: base }): [string, ComputedWeight] => [
    id,
    { weight: weights.get(id) ?? 0, base },
  ]);
  return { service: name, weights: new Map(entries), why: reason, at };
}

/** What one service needs. @returns its step, if there is one, and its state for the next call */
function weighService(
  service: Stored<Service>,
  {
    candidates,
    written,
  }: { readonly candidates: readonly Candidate[]; readonly written: Stored<ComputedWeights> | undefined },
  { signals, now, states }: WeighServicesInput,
): { readonly step: Step | undefined; readonly state: BalanceState | undefined } {
  const { name } = service.value;
  const isOld = written !== undefined && hasOldBases(written.value, candidates);
  const weighing = weigh({
    service: name,
    weighting: weightingOf(service.value),
    instances: candidates,
    signals,
    state: states.get(name),
    written: written === undefined || isOld ? undefined : plainWeights(written.value),
    nowMs: now.ms,
  });
  if (!weighing.write) return { step: undefined, state: weighing.state };
  const weights = recordOf(name, candidates, { ...weighing, at: now.at });
  return { step: stepOf(service, written, { weights, why: undefined }), state: weighing.state };
}

/**
 * Weighs every service whose policy asks for it, and takes back the weights of those that nobody weighs any more. A service without a ready
 * instance keeps what is written: nothing can be learned from it.
 */
export function weighServices(
  view: Pick<ClusterState, 'services' | 'instances' | 'listed' | 'weights'>,
  input: WeighServicesInput,
): WeighedServices {
  const steps: Step[] = [];
  const states = new Map<string, BalanceState>();
  for (const [name, service] of [...view.services].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const written = view.weights.get(name);
    if (!isWeighed(service.value)) {
      const why = 'the weights are those that people set';
      if (written !== undefined) steps.push(stepOf(service, written, { weights: undefined, why }));
      continue;
    }
    const candidates = candidatesOf([...(view.instances.get(name) ?? []), ...(view.listed.get(name) ?? [])]);
    if (candidates.length === 0) continue;
    const { step, state } = weighService(service, { candidates, written }, input);
    if (step !== undefined) steps.push(step);
    if (state !== undefined) states.set(name, state);
  }
  return { steps, states };
}
