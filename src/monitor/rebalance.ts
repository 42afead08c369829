/**
 * Owns what one pass of `rebalance` would do: moves by the leader's placement, and weights by the leader's balancer, from a few beats of
 * samples. It decides and writes nothing. Weights are left to a monitor that leads and acts: it has watched for longer.
 */
import type { Clock } from '../host/clock.ts';
import type { Leader } from '../model/decision.ts';
import { decodeLeader } from '../model/records-leader.ts';
import { decodeScalingRecord } from '../model/records-scaling.ts';
import { formatAge } from '../model/duration.ts';
import { timeMs } from '../model/time.ts';
import { type LeftAlone, type Move, planMoves } from '../schedule/moves.ts';
import type { Action, Step } from '../schedule/step.ts';
import { isWeighed, weighServices } from '../schedule/weigh.ts';
import type { ClusterView } from '../schedule/view.ts';
import { decisionsOf } from '../store/keys.ts';
import { whyInvalid } from '../store/snapshot.ts';
import type { Store } from '../store/store.ts';
import { readCluster } from './read-cluster.ts';
import { nowOf, watchUse } from './watch-use.ts';

/** A service whose number was changed by its load so short ago is left alone. */
const SCALED_AGO_MS = 5 * 60_000;
/** So many of the last decisions are looked through for that. */
const LOOKED_THROUGH = 20;
/** Three beats of samples, and as long as the balancer wants to have watched. */
export const WATCH_MS = 6_500;

/** What it needs. */
export interface RebalanceDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/** What is asked for. */
export interface RebalanceRequest {
  /** Undefined: all services. */
  readonly services: ReadonlySet<string> | undefined;
  readonly maxMoves: number;
  /** Fraction. */
  readonly minGain: number;
  readonly minAgeMs: number;
  readonly watchMs: number;
}

/** New weights of one service, with what they stand on. */
export interface WeightChange {
  readonly service: string;
  readonly action: Extract<Action, { kind: 'weigh' }>;
  readonly basis: Step['basis'];
}

/** What one pass would do. */
export interface RebalancePlan {
  /** Revision of the reading. */
  readonly revision: number;
  /** Undefined: nobody leads. */
  readonly leader: Leader | undefined;
  /** The best one first. Empty where nobody leads and acts: nobody would start what takes an instance's place. */
  readonly moves: readonly Move[];
  readonly leftAlone: readonly LeftAlone[];
  /** Empty where a monitor leads and acts. Sorted by service. */
  readonly weights: readonly WeightChange[];
  /** By what moves were chosen. */
  readonly by: 'samples' | 'counts';
}

/** When the number of a service was last changed by its load, in milliseconds from now; undefined: not lately. */
async function scaledAgoMs(
  { store, clock, signal }: RebalanceDeps,
  service: string,
): Promise<number | undefined> {
  const range = decisionsOf(service);
  const { items } = await store.list(range, { signal });
  const ages = items.slice(-LOOKED_THROUGH).flatMap(({ key, value }) => {
    try {
      const at = key.slice(range.start.length);
      const isDone = decodeScalingRecord({ service, at }, value)?.value.done === true;
      return isDone ? [Math.max(0, clock.now().getTime() - (timeMs(at) ?? 0))] : [];
    } catch (error) {
      whyInvalid(error);
      return [];
    }
  });
  const youngest = Math.min(...ages);
  return youngest < SCALED_AGO_MS ? youngest : undefined;
}

/** Services whose number just followed their load. */
async function restlessOf(deps: RebalanceDeps, view: ClusterView): Promise<ReadonlyMap<string, string>> {
  const restless = new Map<string, string>();
  for (const [service, { value }] of view.services) {
    if (value.policy?.scaling === undefined) continue;
    const agoMs = await scaledAgoMs(deps, service);
    if (agoMs !== undefined) restless.set(service, `its number followed its load ${formatAge(agoMs)} ago`);
  }
  return restless;
}

/** The leader's record; one that cannot be read is none. */
function leaderOf(json: string | undefined): Leader | undefined {
  if (json === undefined) return undefined;
  try {
    return decodeLeader(json).value;
  } catch (error) {
    whyInvalid(error);
    return undefined;
  }
}

/** Changes of weights among steps of the balancer. */
function weightChanges(
  steps: readonly Step[],
  services: RebalanceRequest['services'],
): readonly WeightChange[] {
  return steps
    .filter(({ service }) => services?.has(service) !== false)
    .flatMap(({ service, actions, basis }) =>
      actions.flatMap((action) => (action.kind === 'weigh' ? [{ service, action, basis }] : [])),
    );
}

/** True if samples could change anything: there are managed services, or ones with weights to compute. */
const needsSamples = ({ services }: ClusterView): boolean =>
  [...services.values()].some(({ value }) => value.template !== undefined || isWeighed(value));

/**
 * Plans one pass: watches for `watchMs` where nodes publish samples, then reads the cluster anew and decides.
 * @throws SluiceError `unavailable`, `permission`
 */
export async function planRebalance(deps: RebalanceDeps, request: RebalanceRequest): Promise<RebalancePlan> {
  const { store, clock, signal } = deps;
  const first = await readCluster(store, clock.monotonicMs(), { signal });
  const watchMs = needsSamples(first.view) ? request.watchMs : 0;
  const { use, signals, states } = await watchUse({ ...deps, watchMs, view: first.view });
  const { view, revision, leaderKey } = await readCluster(store, clock.monotonicMs(), { signal });
  const leader = leaderOf(leaderKey?.value);
  const acts = leader !== undefined && leader.mode !== 'recommend';
  const now = nowOf(clock);
  const restless = await restlessOf(deps, view);
  const { moves, leftAlone } = planMoves({ ...request, view, now, use, restless });
  const weighed = acts ? [] : weighServices(view, { signals, now, states }).steps;
  return {
    revision,
    leader,
    moves: acts ? moves : [],
    leftAlone,
    weights: weightChanges(weighed, request.services),
    by: use === undefined ? 'counts' : 'samples',
  };
}
