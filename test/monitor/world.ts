/** Owns a cluster for tests of monitors: a store in memory on a virtual clock, nodes, services, and agents that write the states. */
import type { Log } from '../../src/host/log.ts';
import type { Assignment } from '../../src/model/assignment.ts';
import type { NodeFacts } from '../../src/model/node.ts';
import { decodeAssignment } from '../../src/model/records-assignment.ts';
import { decodeDecision } from '../../src/model/records-leader.ts';
import { encodeNode, encodeNodeAlive } from '../../src/model/records-node.ts';
import { decodeInstance, encodeInstance, encodeService } from '../../src/model/records-service.ts';
import type { InstanceState } from '../../src/model/service.ts';
import type { Template } from '../../src/model/template.ts';
import { monitorLoop } from '../../src/monitor/loop.ts';
import type { MonitorOptions } from '../../src/monitor/options.ts';
import {
  assignmentOfKey,
  ASSIGNMENTS,
  decisionsOf,
  instanceKey,
  instancesOf,
  nodeAliveKey,
  nodeKey,
  serviceKey,
} from '../../src/store/keys.ts';
import { createMemoryBackend } from '../../src/store/memory/backend.ts';
import {
  createMemoryStore,
  type MemoryStore,
  type MemoryStoreOptions,
} from '../../src/store/memory/memory.ts';
import type { KeyRange, Operation, Store } from '../../src/store/store.ts';
import { createVirtualClock, type VirtualClock } from '../harness/virtual-clock.ts';

const AT = '2026-01-01T00:00:00.000Z';

/** A log that keeps its lines as `LEVEL message {fields}`. */
function keepLog(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  const at =
    (level: string): Log['info'] =>
    (message, fields = {}) => {
      lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
    };
  return { lines, log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } };
}

/** A monitor that runs. */
export interface RunningMonitor {
  readonly name: string;
  readonly lines: readonly string[];
  /** SIGTERM. */
  readonly stop: () => Promise<void>;
}

let ids = 0;

/** What people and agents do to a store. */
export function actors(store: Store) {
  const write = async (...operations: readonly Operation[]): Promise<void> => {
    await store.transact({ compares: [], operations });
  };
  const node = async (name: string, more: Partial<NodeFacts> = {}): Promise<void> => {
    const machine = { cpus: 4, memoryBytes: 1, version: '1', kernel: '6', dataplane: 'x', startedAt: AT };
    const facts: NodeFacts = { name, addresses: ['10.0.0.1'], drivers: ['process'], ...machine, ...more };
    await write(
      { kind: 'put', key: nodeKey(name), value: encodeNode(facts) },
      { kind: 'put', key: nodeAliveKey(name), value: encodeNodeAlive({ name, since: AT }) },
    );
  };
  const publish = async (name: string, replicas: number, template: Template): Promise<void> => {
    const entry = { ip: '10.96.0.1', port: 80 + name.length, protocol: 'tcp' } as const;
    const rest = { origin: 'managed', masquerade: false, createdAt: AT } as const;
    const value = encodeService({ name, entries: [entry], replicas, template, ...rest });
    await write({ kind: 'put', key: serviceKey(name), value });
  };
  const assigned = async (): Promise<readonly Assignment[]> =>
    (await store.list(ASSIGNMENTS)).items.flatMap(({ key, value }) => {
      const name = assignmentOfKey(key);
      return name === undefined ? [] : [decodeAssignment(name, value).value];
    });
  const states = async (service: string): Promise<ReadonlyMap<string, InstanceState>> =>
    new Map(
      (await store.list(instancesOf(service))).items.map(({ key, value }) => {
        const id = key.slice(`instance/${service}/`.length);
        return [id, decodeInstance(service, id, value).value.state];
      }),
    );
  const say = async (
    { service, id, node: on, templateHash }: Assignment,
    state: InstanceState,
  ): Promise<void> => {
    const place = { ip: '10.0.0.1', port: 20_000, weight: 1, origin: 'managed' as const, createdAt: AT };
    const value = encodeInstance({ ...place, service, id, node: on, templateHash, state, stateSince: AT });
    await write({ kind: 'put', key: instanceKey(service, id), value });
  };
  /** Every agent moves its instances one step on. */
  const agents = async (): Promise<void> => {
    const all = await assigned();
    const known = new Map<string, ReadonlyMap<string, InstanceState>>();
    for (const service of new Set(all.map((one) => one.service))) known.set(service, await states(service));
    for (const one of all) {
      const state = known.get(one.service)?.get(one.id);
      const up = state === undefined ? 'starting' : 'ready';
      const down = state === undefined || state === 'draining' ? 'stopped' : 'draining';
      const next = one.stop === undefined ? up : down;
      if (next !== state && state !== 'stopped') await say(one, next);
    }
  };
  const decisions = async (service: string): Promise<readonly string[]> =>
    (await store.list(decisionsOf(service))).items.map(({ key, value }) => {
      const at = key.slice(key.lastIndexOf('/') + 1);
      const { what, why, done } = decodeDecision({ service, at }, value).value;
      return `${done ? 'done' : 'not'}: ${what.replace(/\b[0-9a-f]{8}\b/, 'X')}: ${why}`;
    });
  return { write, node, publish, assigned, states, say, agents, decisions };
}

/** A world for one test. */
export function createMonitorWorld(nodes = 3) {
  const clock: VirtualClock = createVirtualClock();
  const backend = createMemoryBackend(clock);
  const store = createMemoryStore({ clock, backend });
  const clients: MemoryStore[] = [];
  /** Another client of the same store. */
  const client = (more: MemoryStoreOptions = {}): MemoryStore => {
    const one = createMemoryStore({ clock, backend, fault: more.fault });
    clients.push(one);
    return one;
  };
  /** Breaks every client's watches. */
  const cut = (): void => {
    for (const one of clients) one.cutWatches('cut');
  };
  const start = (name: string, more: Partial<MonitorOptions> & MemoryStoreOptions = {}): RunningMonitor => {
    const stop = new AbortController();
    const { log, lines } = keepLog();
    const running = monitorLoop({
      node: name,
      host: name,
      pid: 1,
      mode: 'act',
      sample: () => ({ close: async () => Promise.resolve() }),
      readMetric: async () => Promise.resolve(1),
      openStore: async () => Promise.resolve(client(more)),
      log,
      clock,
      random: () => 0,
      newId: () => (ids += 1).toString(16).padStart(16, '0').split('').toReversed().join(''),
      signal: stop.signal,
      ...more,
    });
    return {
      name,
      lines,
      stop: async () => {
        stop.abort();
        await clock.advance(2_000);
        await running;
      },
    };
  };
  const people = actors(store);
  /** Time passes; agents do what they are told. */
  const live = async (seconds: number): Promise<void> => {
    for (let step = 0; step < seconds * 2; step += 1) {
      await people.agents();
      await clock.advance(500);
    }
  };
  const count = (range: KeyRange): number => backend.history.at(range).length;
  const open = async (): Promise<void> => {
    for (let i = 1; i <= nodes; i += 1) await people.node(`n${i}`);
  };
  return { clock, backend, store, client, cut, start, live, count, open, ...people };
}
