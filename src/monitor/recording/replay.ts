/**
 * Owns replaying a recording: its records and samples through the decoders and decisions of the leader, with the recorded time as the clock.
 * Without another policy every look is decided from what was there; with one, from what would have been there (what-if.ts). Pure.
 */
import { readSignals } from '../../balance/adaptive/signals.ts';
import type { HeardLoad } from '../../balance/scaling-samples.ts';
import type { MetricValue } from '../../balance/scaling-readings.ts';
import { isNews, type Recorded as Told } from '../../balance/scaling-news.ts';
import type { ScalingPolicy } from '../../model/policy-scaling.ts';
import type { RecordedItem, RecordedLook } from '../../model/recording.ts';
import { scalingWords } from '../../model/records-scaling.ts';
import type { ScalingOutcome } from '../../model/scaling.ts';
import type { Service } from '../../model/service.ts';
import { timeMs } from '../../model/time.ts';
import { instancesSeen, NO_SCALING, scaleServices, type ScaleInput } from '../../schedule/scale.ts';
import { type ClusterState, liveNodes } from '../../schedule/view.ts';
import { weighServices, type WeighedServices } from '../../schedule/weigh.ts';
import type { KeyValue } from '../../store/store.ts';
import { createClusterCopy } from '../cluster-copy.ts';
import { firstFleet, type Fleet, type Recorded, tryPolicy } from './what-if.ts';

/** One decision about the number of instances, at one look. */
export interface ReplayPoint {
  readonly ms: number;
  readonly at: string;
  readonly service: string;
  /** As many were asked for in the recording. */
  readonly recorded: number;
  readonly outcome: ScalingOutcome;
  /** Mean use of the processors that instances may use, as far as it is known. */
  readonly cpu: number | undefined;
  /** It would have been recorded as a decision. */
  readonly isNews: boolean;
}

/** New weights that would have been written. */
export interface ReplayWeights {
  readonly ms: number;
  readonly at: string;
  readonly service: string;
  /** By instance id, 0 to 1. */
  readonly shares: Readonly<Record<string, number>>;
  readonly why: string;
}

/** What a look led to. */
export interface Replayed {
  readonly points: readonly ReplayPoint[];
  readonly weights: readonly ReplayWeights[];
}

/** What is tried instead of the recorded policies. */
export interface ReplayOptions {
  /** Another policy for a service; undefined: the recorded one, on what was there. */
  readonly policyOf: (service: Service) => ScalingPolicy | undefined;
  readonly startMs: number;
}

const itemOf = (key: string, item: RecordedItem): KeyValue => ({ key, version: 1, ...item });

/** What is known while a recording is gone through. */
function createKnown() {
  const copy = createClusterCopy();
  const items = new Map<string, KeyValue>();
  const heard = new Map<string, HeardLoad>();
  return {
    heard,
    take: ({ ms, changed, samples }: RecordedLook): void => {
      for (const [key, item] of Object.entries(changed)) {
        if (item === null) items.delete(key);
        else items.set(key, itemOf(key, item));
      }
      copy.change(Object.keys(changed), items);
      for (const [node, sample] of Object.entries(samples)) {
        if (sample === null) heard.delete(node);
        else heard.set(node, { load: sample.load, arrivedMs: ms - sample.ageMs });
      }
    },
    state: copy.state,
  };
}

const valuesOf = ({ ms, values }: RecordedLook): ScaleInput['values'] =>
  new Map(
    Object.entries(values).map(([service, own]) => [
      service,
      new Map(
        Object.entries(own).map(([name, { value, ageMs }]): [string, MetricValue] => [
          name,
          { value, arrivedMs: ms - ageMs },
        ]),
      ),
    ]),
  );

/** Mean use of processors of ready instances of which it is known. */
function meanCpu(instances: Recorded['instances']): number | undefined {
  const known = instances.flatMap(({ readySinceMs, load }) =>
    readySinceMs === undefined ? [] : (load?.cpu ?? []),
  );
  return known.length === 0 ? undefined : known.reduce((sum, cpu) => sum + cpu, 0) / known.length;
}

/** New weights among the steps of the balancer. */
function weightsOf({ ms, at }: RecordedLook, steps: WeighedServices['steps']): readonly ReplayWeights[] {
  return steps.flatMap(({ service, actions }) =>
    actions.flatMap((action): readonly ReplayWeights[] => {
      if (action.kind !== 'weigh' || action.weights === undefined) return [];
      const { weights, why } = action.weights;
      const all = [...weights.values()].reduce((sum, { weight }) => sum + weight, 0);
      const shares = [...weights].map(([id, { weight }]) => [id, all === 0 ? 0 : weight / all] as const);
      return [{ ms, at, service, shares: Object.fromEntries(shares), why }];
    }),
  );
}

/** What one service would have done with another policy, from look to look. */
function createTrial(startMs: number) {
  let fleet: Fleet | undefined;
  let told: Told | undefined;
  return (recorded: Recorded, policy: ScalingPolicy): Pick<ReplayPoint, 'outcome' | 'cpu' | 'isNews'> => {
    const tried = tryPolicy(fleet ?? firstFleet(recorded), recorded, { policy, startMs });
    fleet = tried.fleet;
    const next: Told = { outcome: scalingWords(tried.decision).scaling, ms: recorded.now.ms };
    const isTold = isNews(told, next);
    if (isTold) told = next;
    return { outcome: next.outcome, cpu: tried.cpu, isNews: isTold };
  };
}

/** Services that may be scaled, with the policy that is tried, if one is. */
function scaledServices({ services }: ClusterState, options: ReplayOptions) {
  return [...services.values()].flatMap(({ value }) => {
    if (value.template === undefined || value.replicas === undefined) return [];
    return [{ value, replicas: value.replicas, policy: options.policyOf(value) }];
  });
}

/** What a look is decided from and by, besides the services. */
interface Decided {
  readonly view: ClusterState;
  readonly input: ScaleInput;
  readonly look: RecordedLook;
  readonly scaled: ReturnType<typeof scaleServices>;
}

/** The points of one look. */
function pointsOf(
  { view, input, look: { ms, at }, scaled }: Decided,
  options: ReplayOptions,
  trials: Map<string, ReturnType<typeof createTrial>>,
): readonly ReplayPoint[] {
  const told = new Set(scaled.steps.map(({ service }) => service));
  return scaledServices(view, options).flatMap(({ value, replicas, policy }): readonly ReplayPoint[] => {
    const { name } = value;
    const common = { ms, at, service: name, recorded: replicas };
    const instances = instancesSeen(view, input, name);
    if (policy !== undefined) {
      const trial = trials.get(name) ?? createTrial(options.startMs);
      trials.set(name, trial);
      const values = input.values.get(name) ?? new Map();
      const now = { ms, wallMs: timeMs(at) ?? 0 };
      return [{ ...common, ...trial({ instances, values, replicas, now }, policy) }];
    }
    const outcome = scaled.outcomes.get(name);
    if (outcome === undefined) return [];
    return [{ ...common, outcome, cpu: meanCpu(instances), isNews: told.has(name) }];
  });
}

/** Goes through a recording. Equal recordings, equal decisions. @throws what reading a line throws */
export function* replay(
  looks: Iterable<RecordedLook>,
  options: ReplayOptions,
): Generator<Replayed, void, undefined> {
  const known = createKnown();
  const trials = new Map<string, ReturnType<typeof createTrial>>();
  let memory = NO_SCALING;
  let states: WeighedServices['states'] = new Map();
  for (const look of looks) {
    known.take(look);
    const { ms, at } = look;
    const now = { ms, at };
    const view = known.state();
    const input: ScaleInput = { loads: known.heard, values: valuesOf(look), now, recommend: false, memory };
    const scaled = scaleServices(view, input);
    memory = scaled.memory;
    const seen = [...known.heard.values()].map(({ load, arrivedMs }) => ({ load, ageMs: ms - arrivedMs }));
    const weighed = weighServices(view, { signals: readSignals(seen, liveNodes(view)), now, states });
    states = weighed.states;
    const points = pointsOf({ view, input, look, scaled }, options, trials);
    yield { points, weights: weightsOf(look, weighed.steps) };
  }
}
