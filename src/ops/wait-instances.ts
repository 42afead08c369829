/**
 * Owns waiting until a managed service has the instances that it shall have: as many as `replicas`, of its present template, ready, and
 * every live node forwards to them.
 */
import type { Instance, Service } from '../model/service.ts';
import { isServing } from '../model/serving.ts';
import { templateHash } from '../model/template-hash.ts';
import { APPLIED, instancesOf, LEADER_KEY, NODES_ALIVE, serviceKey } from '../store/keys.ts';
import { type ReadRecords, snapshotAgain } from '../store/snapshot.ts';
import type { KeyValue } from '../store/store.ts';
import { keyRange, leaderOf, nodesOf } from './cluster-read.ts';
import type { ReadDeps } from './deps.ts';
import { follow } from './follow.ts';
import { nodeProgress } from './items.ts';

/** An instance that is not as it should be. */
interface Laggard {
  readonly id: string;
  readonly state: string;
  readonly why: string | undefined;
}

/** How far the instances of a managed service are. */
export interface InstancesProgress {
  /** How many there shall be, and how many of them are ready and run the present template. */
  readonly wanted: number;
  readonly ready: number;
  /** Instances that get connections and should not: too many, or of an older template. */
  readonly surplus: number;
  /** Those that are not ready and not on their way out, by id. */
  readonly laggards: readonly Laggard[];
  /** Live nodes, and how many of them forward as it is now. */
  readonly nodes: number;
  readonly applied: number;
  /** Revision of the last change. */
  readonly revision: number;
  /** Name of the leader's node; undefined: nobody starts or stops instances. */
  readonly leader: string | undefined;
  readonly seconds: number;
}

/** How the wait ended. `no-leader`: there was none at its start, and something was left to do. */
export interface InstancesOutcome extends InstancesProgress {
  readonly outcome: 'ready' | 'no-leader' | 'gone' | 'timeout';
}

/** Bounds of the wait. */
export interface WaitInstancesOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called at the start and whenever a number changes. */
  readonly onProgress?: ((now: InstancesProgress) => void) | undefined;
}

const LEAVING = ['draining', 'stopping', 'stopped'];

/** True for an instance on its way out: nobody waits for it to be ready. */
export const isLeaving = ({ state, drain }: Instance): boolean =>
  LEAVING.includes(state) || drain !== undefined;

/** Serving instances of the present template that are to stay. */
export function readyNow(service: Service, instances: readonly Instance[]): number {
  const hash = service.template === undefined ? undefined : templateHash(service.template);
  return instances.filter((one) => isServing(one) && one.drain === undefined && one.templateHash === hash)
    .length;
}

/** What is followed, and what was read of it before. */
interface Followed {
  readonly items: ReadonlyMap<string, KeyValue>;
  readonly known: ReadRecords;
}

/** How far it is, from the followed keys; undefined if the service is gone or not managed. */
function progressOf(
  name: string,
  { items, known }: Followed,
  seconds: number,
): InstancesProgress | undefined {
  const all = [...items.values()];
  const { snapshot } = snapshotAgain(all, 0, known);
  const service = snapshot.services.get(name);
  if (service?.value.replicas === undefined) return undefined;
  const stored = snapshot.instances.get(name) ?? [];
  const instances = stored.map(({ value }) => value);
  const ready = readyNow(service.value, instances);
  const wanted = service.value.replicas;
  const serving = instances.filter(isServing).length;
  const revision = stored.reduce((last, { modRevision }) => Math.max(last, modRevision), service.modRevision);
  const nodes = nodeProgress(nodesOf(all).nodes, revision).filter(({ alive }) => alive);
  return {
    wanted,
    ready,
    surplus: serving - Math.min(ready, wanted),
    laggards: instances
      .filter((one) => one.state !== 'ready' && !isLeaving(one))
      .map(({ id, state, why }) => ({ id, state, why }))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    nodes: nodes.length,
    applied: nodes.filter(({ current, failures }) => current && failures.length === 0).length,
    revision,
    leader: leaderOf(all).leader?.node,
    seconds,
  };
}

const isReady = ({ wanted, ready, surplus, nodes, applied }: InstancesProgress): boolean =>
  ready === wanted && surplus === 0 && applied === nodes;

const NOTHING: InstancesProgress = {
  wanted: 0,
  ready: 0,
  surplus: 0,
  laggards: [],
  nodes: 0,
  applied: 0,
  revision: 0,
  leader: undefined,
  seconds: 0,
};

/**
 * Waits until the instances are as they shall be. Reads once, then watches. Without a leader at the start it ends at once, unless all is
 * well already; a leader that goes away later is waited for. A deadline is an outcome, not an error.
 * @throws SluiceError `interrupted`, `unavailable` if the store cannot be read at the start
 */
export async function waitInstances(
  deps: ReadDeps,
  service: string,
  options: WaitInstancesOptions,
): Promise<InstancesOutcome> {
  const startMs = deps.clock.monotonicMs();
  let now: InstancesProgress = NOTHING;
  let outcome: InstancesOutcome['outcome'] = 'timeout';
  let told = '';
  const known: ReadRecords = { services: new WeakMap(), instances: new WeakMap() };
  await follow(deps, {
    ranges: [keyRange(serviceKey(service)), instancesOf(service), keyRange(LEADER_KEY), NODES_ALIVE, APPLIED],
    timeoutMs: options.timeoutMs,
    signal: options.signal,
    isDone: (items) => {
      const found = progressOf(service, { items, known }, (deps.clock.monotonicMs() - startMs) / 1_000);
      if (found === undefined) {
        outcome = 'gone';
        return true;
      }
      const isFirst = told === '';
      now = found;
      const key = JSON.stringify({ ...found, seconds: 0, revision: 0 });
      if (key !== told) options.onProgress?.(found);
      told = key;
      if (isReady(found)) outcome = 'ready';
      else if (isFirst && found.leader === undefined) outcome = 'no-leader';
      return outcome !== 'timeout';
    },
  });
  return { ...now, seconds: (deps.clock.monotonicMs() - startMs) / 1_000, outcome };
}
