/**
 * Owns the weights that the leader writes: which services are weighed, by what their policy says, and what becomes a step. A function of what
 * is known and the time. Pure.
 */
import type { Signals } from '../balance/adaptive/signals.ts';
import type { BalanceState } from '../balance/adaptive/state.ts';
import { firstWeights, type Newcomer } from '../balance/newcomers.ts';
import { comingReason } from '../balance/weigh-reason.ts';
import { type Candidate, weigh, type Weighing, type Weighting, type Weights } from '../balance/weigh.ts';
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

/** The record of what was weighed; sorted by id. */
function recordOf(
  name: string,
  named: readonly Newcomer[],
  { weights, reason, at }: Pick<Weighing, 'weights' | 'reason'> & { readonly at: string },
): ComputedWeights {
  const entries = named.map(({ id, weight: base }): [string, ComputedWeight] => [
    id,
    { weight: weights.get(id) ?? 0, base },
  ]);
  const sorted = entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { service: name, weights: new Map(sorted), why: reason, at };
}

type View = Pick<ClusterState, 'services' | 'instances' | 'listed' | 'weights' | 'assignments'>;

/** Those that were never ready, and will be soon if all goes well. One that failed once may fail again. */
function newcomersOf(view: View, service: string): readonly Newcomer[] {
  const records = new Map((view.instances.get(service) ?? []).map(({ value }) => [value.id, value]));
  return view.assignments
    .map(({ value }) => value)
    .filter((assignment) => {
      const { state = 'pending', restarts = 0, drain } = records.get(assignment.id) ?? {};
      const isComing = (state === 'pending' || state === 'starting') && restarts === 0 && drain === undefined;
      return assignment.service === service && assignment.stop === undefined && isComing;
    })
    .map(({ id, weight }) => ({ id, weight }))
    .filter(({ weight }) => weight > 0);
}

/** Weights of newcomers, and which of them have to be written for that: those without any, or with more. */
function begin(
  newcomers: readonly Newcomer[],
  candidates: readonly Candidate[],
  { inForce, written }: { readonly inForce: Weights; readonly written: Weights | undefined },
): { readonly weights: Weights; readonly missing: readonly string[] } {
  const weights = firstWeights(newcomers, candidates, inForce);
  const isThere = (id: string, first: number): boolean => (written?.get(id) ?? Infinity) <= 2 * first;
  return { weights, missing: [...weights].flatMap(([id, first]) => (isThere(id, first) ? [] : [id])) };
}

/** What is known of one service. */
interface Weighed {
  readonly candidates: readonly Candidate[];
  readonly newcomers: readonly Newcomer[];
  readonly written: Stored<ComputedWeights> | undefined;
}

/** What one service needs. @returns its step, if there is one, and its state for the next call */
function weighService(
  service: Stored<Service>,
  { candidates, newcomers, written }: Weighed,
  { signals, now, states }: WeighServicesInput,
): { readonly step: Step | undefined; readonly state: BalanceState | undefined } {
  const { name } = service.value;
  const weighting = weightingOf(service.value);
  const isOld = written !== undefined && hasOldBases(written.value, candidates);
  const known = written === undefined ? undefined : plainWeights(written.value);
  const coming = weighting.kind === 'adaptive' ? newcomers : [];
  const isComing = new Set(coming.map(({ id }) => id));
  const weighing = weigh({
    service: name,
    weighting,
    instances: candidates,
    signals,
    state: states.get(name),
    written:
      isOld || known === undefined ? undefined : new Map([...known].filter(([id]) => !isComing.has(id))),
    nowMs: now.ms,
  });
  const first = begin(coming, candidates, { inForce: weighing.weights, written: known });
  if (!weighing.write && first.missing.length === 0) return { step: undefined, state: weighing.state };
  const weights = recordOf(name, [...candidates, ...coming], {
    weights: new Map([...weighing.weights, ...first.weights]),
    reason: weighing.write ? weighing.reason : comingReason(first.missing),
    at: now.at,
  });
  return { step: stepOf(service, written, { weights, why: undefined }), state: weighing.state };
}

/**
 * Weighs every service whose policy asks for it, and takes back the weights of those that nobody weighs any more. A service without a ready
 * instance keeps what is written: nothing can be learned from it.
 */
export function weighServices(view: View, input: WeighServicesInput): WeighedServices {
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
    const { step, state } = weighService(
      service,
      { candidates, newcomers: newcomersOf(view, name), written },
      input,
    );
    if (step !== undefined) steps.push(step);
    if (state !== undefined) states.set(name, state);
  }
  return { steps, states };
}
