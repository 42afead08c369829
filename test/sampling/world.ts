/** Owns what tests of sampling start from: a node with one instance, a store in memory, readers that tell what they are told. */
import type { Counted } from '../../src/dataplane/live/counting.ts';
import { encodeInstance, encodeService } from '../../src/model/records-service.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import type { SamplingDeps } from '../../src/sampling/sample-node.ts';
import type { SocketAnswer } from '../../src/sampling/sockets.ts';
import { instanceKey, serviceKey } from '../../src/store/keys.ts';
import { snapshotOf } from '../../src/store/snapshot.ts';
import { createVirtualClock, type VirtualClock } from '../harness/virtual-clock.ts';

const CREATED = '2026-01-01T00:00:00.000Z';
/** Address of the one instance `web/10.0.0.1:80`, and its entry. */
const IP = '10.0.0.1';
const ENTRY = { ip: '10.96.0.1', port: 80, protocol: 'tcp' } as const;

const item = (key: string, value: string) => ({
  key,
  value,
  createRevision: 1,
  modRevision: 1,
  version: 1,
});

/** A service `web` with one instance on the node n1. */
function webSnapshot(): Snapshot {
  const id = `${IP}:80`;
  const service = encodeService({
    name: 'web',
    entries: [ENTRY],
    origin: 'static',
    masquerade: false,
    createdAt: CREATED,
  });
  const instance = encodeInstance({
    service: 'web',
    id,
    ip: IP,
    port: 80,
    weight: 1,
    origin: 'static',
    state: 'ready',
    createdAt: CREATED,
  });
  return snapshotOf([item(serviceKey('web'), service), item(instanceKey('web', id), instance)], 1).snapshot;
}

/** What the rules of n1 counted for its instance. */
export const countedSoFar = (connections: number, size = 100): Counted => ({
  layout: 'nftables',
  size,
  counts: [{ entry: ENTRY, instance: { ip: IP, port: 80 }, connections }],
});

/** A node whose answers a test sets. */
export interface NodeWorld {
  readonly clock: VirtualClock;
  readonly deps: SamplingDeps;
  /** Texts of files. */
  readonly texts: Map<string, string>;
  readonly answers: {
    sockets: SocketAnswer;
    counted: () => Promise<Counted | undefined>;
    snapshot: Snapshot | undefined;
  };
  /** How often each was asked. */
  readonly asked: { counts: number; sockets: number; closed: number };
}

/** Two cores; `busy` of them 1,000 ticks since boot. */
export const statText = (busy: number, idle: number): string =>
  `cpu  ${busy} 0 0 ${idle} 0 0 0 0 0 0\ncpu0 0\ncpu1 0\nintr 1\n`;

/** A node on which all is well. */
export function createNodeWorld(): NodeWorld {
  const clock = createVirtualClock();
  const texts = new Map([
    ['/proc/stat', statText(100, 100)],
    ['/proc/meminfo', 'MemTotal: 100 kB\nMemAvailable: 60 kB\n'],
    ['/proc/loadavg', '0.50 0.40 0.30 1/100 4242\n'],
  ]);
  const asked = { counts: 0, sockets: 0, closed: 0 };
  const sockets = {
    established: new Map([['0a000001', new Map([[80, 4]])]]),
    waiting: new Map([['0a000001', new Map([[80, 1]])]]),
  };
  const answers: NodeWorld['answers'] = {
    sockets: { sockets },
    counted: async () => countedSoFar(0),
    snapshot: webSnapshot(),
  };
  const read = (path: string): string | undefined => texts.get(path);
  const files = { read, sweep: () => {} };
  const deps: SamplingDeps = {
    node: 'n1',
    clock,
    snapshot: () => answers.snapshot,
    addresses: () => [IP],
    running: () => new Map(),
    cores: 2,
    files,
    processes: { sessions: () => new Map() },
    sockets: {
      count: async () => {
        asked.sockets += 1;
        return answers.sockets;
      },
    },
    counting: {
      read: async () => {
        asked.counts += 1;
        return answers.counted();
      },
    },
    close: () => void (asked.closed += 1),
  };
  return { clock, deps, texts, answers, asked };
}
