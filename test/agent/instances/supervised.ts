/** Owns a supervisor on a fake machine and a store in memory, with the kernel side of an agent that follows the same store. */
import { onTestFinished } from 'vitest';
import type { Supervisor } from '../../../src/agent/instances/supervisor-options.ts';
import { startSupervisor } from '../../../src/agent/instances/supervisor.ts';
import type { Withdrawn } from '../../../src/agent/withdrawn.ts';
import { systemClock } from '../../../src/host/clock.ts';
import { waitUntil } from '../../../src/host/wait.ts';
import { formatAddress } from '../../../src/model/address.ts';
import type { Assignment } from '../../../src/model/assignment.ts';
import { decodeInstance, encodeInstance } from '../../../src/model/records-service.ts';
import { encodeAssignment } from '../../../src/model/records-assignment.ts';
import { encodeApplied, encodeNodeAlive } from '../../../src/model/records-node.ts';
import type { Instance } from '../../../src/model/service.ts';
import { templateOf, type TemplateInput } from '../../../src/model/template-defaults.ts';
import { templateHash } from '../../../src/model/template-hash.ts';
import { startInformer } from '../../../src/store/informer.ts';
import {
  AGENT_RANGE,
  appliedKey,
  assignmentKey,
  instanceKey,
  nodeAliveKey,
} from '../../../src/store/keys.ts';
import { createMemoryStore, type MemoryStore } from '../../../src/store/memory/memory.ts';
import type { MemoryBackend } from '../../../src/store/memory/backend.ts';
import { keptLog, stateDirectory } from '../world.ts';
import type { FakeMachine } from './fake-machine.ts';

/** RFC 3339 of everything here. */
const TIME = '2026-01-01T00:00:00.000Z';

/** What instances of these tests run; quick probes. */
const TEMPLATE: TemplateInput = {
  command: ['serve', '{port}'],
  probe: { intervalSeconds: 0.1, timeoutSeconds: 0.2, successes: 2, failures: 3, startSeconds: 30 },
  preStop: { command: ['bye'] },
  drainSeconds: 30,
};

/** An assignment of node n1. */
export function assignment(
  id: string,
  change: Partial<Assignment> = {},
  input: TemplateInput = {},
): Assignment {
  const template = templateOf({ ...TEMPLATE, ...input });
  const hash = templateHash(template);
  return {
    node: 'n1',
    service: 'web',
    id,
    template,
    templateHash: hash,
    weight: 100,
    createdAt: TIME,
    ...change,
  };
}

/** The other side: what the leader and people write. */
export interface Cluster {
  readonly store: MemoryStore;
  readonly put: (key: string, value: string) => Promise<number>;
  readonly assign: (what: Assignment) => Promise<number>;
  readonly unassign: (id: string) => Promise<void>;
  readonly record: (id: string) => Promise<Instance | undefined>;
  readonly change: (id: string, change: Partial<Instance>) => Promise<void>;
  /** Node n1 (or another) is alive and has this revision in its kernel. */
  readonly applied: (revision: number, node?: string) => Promise<void>;
  /** Waits for the state of an instance. */
  readonly state: (id: string, state: Instance['state'] | undefined) => Promise<Instance | undefined>;
}

/** A client of a store in memory that plays everybody else. */
export function cluster(backend?: MemoryBackend): Cluster {
  const store = createMemoryStore(backend === undefined ? {} : { backend });
  const write: Cluster['put'] = async (key, value) =>
    (await store.transact({ compares: [], operations: [{ kind: 'put', key, value }] })).revision;
  const record: Cluster['record'] = async (id) => {
    const { item } = await store.get(instanceKey('web', id));
    return item === undefined ? undefined : decodeInstance('web', id, item.value).value;
  };
  return {
    store,
    put: write,
    assign: async (what) => await write(assignmentKey('n1', what.service, what.id), encodeAssignment(what)),
    unassign: async (id) => {
      await store.transact({
        compares: [],
        operations: [{ kind: 'delete', key: assignmentKey('n1', 'web', id) }],
      });
    },
    record,
    change: async (id, change) => {
      const now = await record(id);
      if (now === undefined) throw new Error(`no record of ${id}`);
      await write(instanceKey('web', id), encodeInstance({ ...now, ...change }));
    },
    applied: async (revision, node = 'n1') => {
      const words = {
        node,
        revision,
        rulesHash: 'a'.repeat(16),
        entries: 0,
        instances: 0,
        appliedAt: TIME,
        failures: [],
      };
      await write(appliedKey(node), encodeApplied(words));
      await write(nodeAliveKey(node), encodeNodeAlive({ name: node, since: TIME }));
    },
    state: async (id, state) =>
      await waitUntil(
        async () => {
          const now = await record(id);
          return now?.state === state ? { now } : undefined;
        },
        { what: `${id} to be ${state}`, timeoutMs: 10_000 },
      ).then(({ now }) => now),
  };
}

/** A supervisor that runs. */
export interface Supervised {
  readonly supervisor: Supervisor;
  readonly log: ReturnType<typeof keptLog>;
  readonly stateDir: string;
  /** What it last said is not ready, as `web/web-1: failed`. */
  readonly withdrawn: () => readonly string[];
  /** Where it last said that clients may be led to, as `IP:PORT`; undefined: it said nothing. */
  readonly inService: () => readonly string[] | undefined;
  /** Ends it; everything it started runs on. */
  readonly kill: () => Promise<void>;
}

/** Starts a supervisor of node n1; it is closed after the test. */
export async function supervise(
  machine: FakeMachine,
  place: {
    readonly backend?: MemoryBackend;
    readonly store?: MemoryStore;
    readonly stateDir?: string;
    /** When the rules have what was said; default: they have it already. */
    readonly ruled?: () => Promise<void>;
  },
): Promise<Supervised> {
  const log = keptLog();
  const stateDir = place.stateDir ?? (await stateDirectory());
  const store =
    place.store ?? createMemoryStore(place.backend === undefined ? {} : { backend: place.backend });
  let withdrawn: Withdrawn = new Map();
  let inService: readonly string[] | undefined;
  const supervisor = await startSupervisor({
    node: 'n1',
    stateDir,
    store,
    edges: machine.edges(),
    clock: systemClock,
    log,
    random: () => 0.5,
    ipFor: () => '10.77.0.1',
    entriesFor: () => undefined,
    show: () => {},
    inService: (addresses) => {
      inService = addresses.map(formatAddress);
    },
    withdraw: (now) => {
      withdrawn = now;
      return place.ruled?.();
    },
  });
  const informer = startInformer({
    store,
    range: AGENT_RANGE,
    clock: systemClock,
    random: () => 0.5,
    onChange: ({ keys, cause }) =>
      supervisor.recordsChanged(informer.items, cause === 'list' ? undefined : keys),
  });
  let closed: Promise<void> | undefined;
  const kill = async (): Promise<void> => {
    closed ??= (async () => {
      await informer.close();
      await supervisor.close();
    })();
    await closed;
  };
  onTestFinished(kill);
  return {
    supervisor,
    log,
    stateDir,
    withdrawn: () =>
      [...withdrawn].flatMap(([service, states]) =>
        [...states].map(([id, state]) => `${service}/${id}: ${state}`),
      ),
    inService: () => inService,
    kill,
  };
}
