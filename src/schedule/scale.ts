/**
 * Owns the number of instances as the leader decides it: which services have a policy for it, what is known of their instances, and what
 * becomes a step. A function of what is known and the time. Pure.
 */
import type { MetricValue, ScaledInstance } from '../balance/scaling-readings.ts';
import { type HeardLoad, scaledInstances, type ServingInstance } from '../balance/scaling-samples.ts';
import { isNews, type Recorded } from '../balance/scaling-news.ts';
import { decideScaling, type ScalingDecision } from '../balance/scaling.ts';
import type { ScalingPolicy } from '../model/policy-scaling.ts';
import { scalingWords } from '../model/records-scaling.ts';
import type { ScalingOutcome, ScalingState } from '../model/scaling.ts';
import type { Service, Stored } from '../model/service.ts';
import { isServing } from '../model/serving.ts';
import { timeMs } from '../model/time.ts';
import type { Step } from './step.ts';
import { type ClusterState, liveNodes, type Now, unitKey } from './view.ts';

/** What is remembered from one look to the next. */
export interface ScalingMemory {
  /** By service. */
  readonly states: ReadonlyMap<string, ScalingState>;
  readonly recorded: ReadonlyMap<string, Recorded>;
  /** Since when an instance is ready, by `SERVICE/ID`; undefined before the first look. */
  readonly readySince: ReadonlyMap<string, number> | undefined;
}

const NO_VALUES: ReadonlyMap<string, MetricValue> = new Map();

/** Of a leader that just began. */
export const NO_SCALING: ScalingMemory = { states: new Map(), recorded: new Map(), readySince: undefined };

/** What the number is decided from besides the view. */
export interface ScaleInput {
  /** What each node said last, by node. */
  readonly loads: ReadonlyMap<string, HeardLoad>;
  /** Values of the admin's own metrics, by service and name. */
  readonly values: ReadonlyMap<string, ReadonlyMap<string, MetricValue>>;
  readonly now: Now;
  /** Nothing is done, whatever the policies say. */
  readonly recommend: boolean;
  readonly memory: ScalingMemory;
}

/** What is to be done and to be said, and what the next call needs to know. */
export interface ScaledServices {
  /** Sorted by service. */
  readonly steps: readonly Step[];
  /** What was decided at this look, told or not, by service. */
  readonly outcomes: ReadonlyMap<string, ScalingOutcome>;
  readonly memory: ScalingMemory;
}

type Words = ReturnType<typeof scalingWords>;
type View = Pick<ClusterState, 'services' | 'instances' | 'assignments' | 'nodes'>;

/** Since when each instance is ready: as first seen; before a leader's first look by the word of its agent, whose clock may differ. */
function readySince(view: View, { now, memory }: ScaleInput): ReadonlyMap<string, number> {
  const wallMs = timeMs(now.at) ?? 0;
  const all = [...view.instances].flatMap(([service, instances]) =>
    instances
      .filter(({ value }) => isServing(value))
      .map(({ value }): readonly [string, number] => {
        const key = unitKey(service, value.id);
        const sinceMs = timeMs(value.stateSince ?? '') ?? wallMs;
        const first = memory.readySince === undefined ? now.ms - Math.max(0, wallMs - sinceMs) : now.ms;
        return [key, memory.readySince?.get(key) ?? first];
      }),
  );
  return new Map(all);
}

/** Instances that serve or will, by service: those that were told to stop are not among them. */
function servingOf(view: View, since: ReadonlyMap<string, number>): ReadonlyMap<string, ServingInstance[]> {
  const found = new Map<string, ServingInstance[]>();
  for (const { value } of view.assignments) {
    if (value.stop !== undefined) continue;
    const { service, id, node } = value;
    const one = { id, node, readySinceMs: since.get(unitKey(service, id)) };
    const known = found.get(service);
    if (known === undefined) found.set(service, [one]);
    else known.push(one);
  }
  return found;
}

/** The step of a decision. */
function stepOf(
  service: Stored<Service>,
  { act, final }: ScalingDecision,
  { scaling, ...words }: Words,
): Step {
  const { name } = service.value;
  const { what, why } = words;
  return {
    service: name,
    topic: 'scaling',
    actions: act ? [{ kind: 'resize', before: service, replicas: final, what, why, scaling }] : [],
    notices: act ? [] : [{ what, why, scaling }],
    basis: [{ kind: 'service', service: name, modRevision: service.modRevision }],
  };
}

/** People took all instances away: that is said, and nothing else. */
function restingStep({ value: { name }, modRevision }: Stored<Service>): Step {
  const why = 'people set it to 0; its policy decides again once it is above';
  const basis = [{ kind: 'service', service: name, modRevision } as const];
  return {
    service: name,
    topic: 'scaling',
    actions: [],
    notices: [{ what: 'stays at 0 instances', why }],
    basis,
  };
}

/** What is known of all services. */
interface Known {
  readonly input: ScaleInput;
  readonly serving: ReadonlyMap<string, readonly ServingInstance[]>;
  readonly forwarding: readonly string[];
}

/** A policy with the number of now. */
interface Scaled {
  readonly stored: Stored<Service>;
  readonly policy: ScalingPolicy;
  readonly replicas: number;
}

function scaledOf({ services }: View): readonly Scaled[] {
  return [...services]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, stored]): readonly Scaled[] => {
      const { template, replicas, policy } = stored.value;
      if (template === undefined || replicas === undefined || policy?.scaling === undefined) return [];
      return [{ stored, replicas, policy: policy.scaling }];
    });
}

/** What is known of all services now, and since when instances are ready. */
function knownOf(
  view: View,
  input: ScaleInput,
): { readonly known: Known; readonly since: ReadonlyMap<string, number> } {
  const since = readySince(view, input);
  return { since, known: { input, serving: servingOf(view, since), forwarding: liveNodes(view) } };
}

function loadedInstances(name: string, { input, serving, forwarding }: Known): readonly ScaledInstance[] {
  const { loads, now } = input;
  return scaledInstances({
    service: name,
    instances: serving.get(name) ?? [],
    loads,
    forwarding,
    nowMs: now.ms,
  });
}

/** The instances of one service with their load, as a decision sees them. */
export const instancesSeen = (view: View, input: ScaleInput, service: string): readonly ScaledInstance[] =>
  loadedInstances(service, knownOf(view, input).known);

/** One service, as it is known now. */
function decide({ stored, policy, replicas }: Scaled, known: Known): ScalingDecision {
  const { name, pin } = stored.value;
  const { now, values, recommend, memory } = known.input;
  return decideScaling(
    {
      policy: recommend ? { ...policy, mode: 'recommend' } : policy,
      pin,
      replicas,
      instances: loadedInstances(name, known),
      values: values.get(name) ?? NO_VALUES,
      now: { ms: now.ms, wallMs: timeMs(now.at) ?? 0 },
    },
    memory.states.get(name),
  );
}

/**
 * Decides the number of instances of every service that has a policy for it. What is done becomes a step, and what keeps it from being
 * done, when that is news. A number that people set to 0 is theirs, unless the policy itself may go there.
 */
export function scaleServices(view: View, input: ScaleInput): ScaledServices {
  const { now, memory } = input;
  const { known, since } = knownOf(view, input);
  const outcomes = new Map<string, ScalingOutcome>();
  const states = new Map<string, ScalingState>();
  const recorded = new Map<string, Recorded>();
  const steps: Step[] = [];
  for (const scaled of scaledOf(view)) {
    const { name } = scaled.stored.value;
    if (scaled.replicas === 0 && scaled.policy.min > 0) {
      steps.push(restingStep(scaled.stored));
      continue;
    }
    const decision = decide(scaled, known);
    const words = scalingWords(decision);
    outcomes.set(name, words.scaling);
    const last = memory.recorded.get(name);
    const next: Recorded = { outcome: words.scaling, ms: now.ms };
    const isTold = isNews(last, next);
    if (isTold) steps.push(stepOf(scaled.stored, decision, words));
    states.set(name, decision.state);
    recorded.set(name, isTold || last === undefined ? next : last);
  }
  return { steps, outcomes, memory: { states, recorded, readySince: since } };
}
