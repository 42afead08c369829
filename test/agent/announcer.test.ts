import { describe, expect, it, onTestFinished } from 'vitest';
import { type Announcer, startAnnouncer } from '../../src/agent/announcer.ts';
import type { Answer, Answering, AnsweringState } from '../../src/dataplane/answering.ts';
import { systemClock } from '../../src/host/clock.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { encodeNode, encodeNodeAlive } from '../../src/model/records-node.ts';
import { encodeService } from '../../src/model/records-service.ts';
import { startInformer } from '../../src/store/informer.ts';
import { AGENT_RANGE, holderKey, nodeAliveKey, nodeKey, serviceKey } from '../../src/store/keys.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import type { Lease, Operation, Store } from '../../src/store/store.ts';
import { keptLog } from './world.ts';

const IP = '10.0.0.100';
const AT = '2026-01-01T00:00:00Z';
const SERVICE = {
  name: 'web',
  entries: [{ ip: IP, port: 80, protocol: 'tcp' }],
  origin: 'static',
  masquerade: true,
  announce: true,
  createdAt: AT,
} as const;

/** A node's announcer on a program that only says what it is told. */
interface Node {
  readonly announcer: Announcer;
  readonly log: ReturnType<typeof keptLog>;
  /** What it answers for, `IP mode`. */
  readonly answers: () => readonly string[];
  readonly announced: string[];
  readonly probed: string[];
  readonly remembered: string[][];
  /** Another machine is heard. */
  readonly hear: (ip: string) => void;
  readonly turn: (state: AnsweringState) => void;
  readonly lease: () => Lease;
}

async function put(store: Store, ...operations: readonly Operation[]): Promise<void> {
  await store.transact({ compares: [], operations });
}

async function startNode(
  store: Store,
  name: string,
  { before = [] as readonly string[], follows = true, alive = true } = {},
): Promise<Node> {
  const log = keptLog();
  const [announced, probed, remembered]: [string[], string[], string[][]] = [[], [], []];
  let state: AnsweringState = { kind: 'ready' };
  let told: ReadonlyMap<string, Answer> = new Map();
  let hear: ((ip: string, mac: string) => void) | undefined;
  let changed: (() => void) | undefined;
  const answering: Answering = {
    set: (answers) => (told = answers),
    announce: (ip) => void announced.push(ip),
    probe: (ip) => void probed.push(ip),
    state: () => state,
    close: () => (told = new Map()),
  };
  const announcer = startAnnouncer({
    node: name,
    store,
    clock: systemClock,
    log,
    answering: (onHeard, onState) => {
      [hear, changed] = [onHeard, onState];
      return answering;
    },
    linkOf: (ip) => (ip.startsWith('10.0.0.') ? 'eth0' : undefined),
    before,
    remember: (ips) => void remembered.push([...ips]),
  });
  onTestFinished(() => announcer.close());
  let lease: Lease | undefined;
  if (alive) {
    lease = await store.grantLease(10);
    const facts = { cpus: 1, memoryBytes: 1, version: '1', kernel: '6', dataplane: 'x', startedAt: AT };
    const links = { addresses: [`10.0.0.${name.slice(1)}`], networks: [`10.0.0.${name.slice(1)}/24`] };
    await put(
      store,
      { kind: 'put', key: nodeKey(name), value: encodeNode({ name, ...links, ...facts }) },
      { kind: 'put', key: nodeAliveKey(name), value: encodeNodeAlive({ name, since: AT }), lease: lease.id },
    );
  }
  if (follows) {
    let listed = false;
    const informer = startInformer({
      store,
      range: AGENT_RANGE,
      clock: systemClock,
      random: () => 0.5,
      onChange: ({ keys }) => {
        announcer.changed(keys, informer.items, !listed);
        listed = true;
      },
    });
    onTestFinished(() => informer.close());
  }
  if (lease !== undefined) announcer.leased(lease);
  return {
    announcer,
    log,
    answers: () => [...told].map(([ip, { mode }]) => `${ip} ${mode}`),
    announced,
    probed,
    remembered,
    hear: (ip) => hear?.(ip, '02:00:00:00:00:01'),
    turn: (next) => {
      state = next;
      changed?.();
    },
    lease: () => {
      if (lease === undefined) throw new Error(`${name} has no lease`);
      return lease;
    },
  };
}

const publish = async (store: Store, announce = true): Promise<void> =>
  put(store, { kind: 'put', key: serviceKey('web'), value: encodeService({ ...SERVICE, announce }) });

const until = async (what: string, holds: () => boolean): Promise<void> => {
  await waitUntil(holds, { what, timeoutMs: 10_000 });
};

const HELD = [`${IP} held`];
const KEPT = [`${IP} kept`];

describe('announcers of a fleet', () => {
  it('let exactly one answer, which announces it; another follows when the lease of the first is gone', async () => {
    const store = createMemoryStore();
    const nodes = await Promise.all(['n1', 'n2', 'n3'].map(async (name) => startNode(store, name)));
    await publish(store);
    const answering = (): readonly Node[] => nodes.filter((node) => node.answers().length > 0);
    await until('one to answer', () => answering().length === 1);
    const [first] = answering();
    if (first === undefined) throw new Error('nobody answers');
    expect(first.answers()).toEqual(HELD);
    await until('announcements', () => first.announced.includes(IP));
    expect(nodes.filter(({ announced }) => announced.length > 0)).toEqual([first]);
    expect(first.remembered).toEqual([[IP]]);
    await first.announcer.close();
    expect(first.answers()).toEqual([]);
    await first.lease().revoke();
    await until('another to answer', () => answering().length === 1);
    expect(answering()).not.toEqual([first]);
    expect(first.remembered.at(-1)).toEqual([]);
  });

  it('leave it where it is when nodes come, and stop when it is not announced any more', async () => {
    const store = createMemoryStore();
    await publish(store);
    const first = await startNode(store, 'n1');
    await until('the only node to answer', () => first.answers().join() === HELD.join());
    const later = await Promise.all(['n2', 'n3', 'n4'].map(async (name) => startNode(store, name)));
    await publish(store, false);
    await until('nobody to answer', () => first.answers().length === 0);
    await waitUntil(async () => (await store.get(holderKey(IP))).item === undefined, {
      what: 'the claim to go',
      timeoutMs: 10_000,
    });
    expect(later.flatMap(({ announced }) => announced)).toEqual([]);
  });

  it('go on when the lease is lost, ask around, and yield to whom they hear, but not under a claim', async () => {
    const store = createMemoryStore();
    const node = await startNode(store, 'n1');
    await publish(store);
    await until('it to answer', () => node.answers().join() === HELD.join());
    node.hear(IP);
    expect(node.answers()).toEqual(HELD);
    const cut = new AbortController();
    node.announcer.leased({
      id: 'x',
      ttlSeconds: 10,
      lost: cut.signal,
      revoke: async () => {},
      letGo: () => {},
    });
    expect(node.answers()).toEqual(KEPT);
    cut.abort();
    expect(node.answers()).toEqual(KEPT);
    await until('questions', () => node.probed.includes(IP));
    node.hear(IP);
    expect(node.answers()).toEqual([]);
    expect(node.log.lines.join('\n')).toContain('another machine has taken the entry over');
  });

  it('listen first to what they answered for before they were killed, and go on with what nobody has', async () => {
    const store = createMemoryStore();
    const options = { before: [IP, '10.0.0.101'], follows: false, alive: false };
    const node = await startNode(store, 'n1', options);
    expect(node.answers()).toEqual([`${IP} watch`, '10.0.0.101 watch']);
    await until('questions', () => node.probed.includes(IP) && node.probed.includes('10.0.0.101'));
    node.hear('10.0.0.101');
    await until('it to go on', () => node.answers().join() === KEPT.join());
  });

  it('leave an entry to others, and say why, where the program that answers cannot run', async () => {
    const store = createMemoryStore();
    const [broken, able] = [await startNode(store, 'n1'), await startNode(store, 'n2')];
    broken.turn({ kind: 'down', why: 'perl is not installed' });
    await publish(store);
    await until('the able one to answer', () => able.answers().join() === HELD.join());
    expect(broken.log.lines.join('\n')).toContain('"why":"perl is not installed"');
    able.turn({ kind: 'down', why: 'perl ended' });
    broken.turn({ kind: 'ready' });
    await until('the other one to answer', () => broken.answers().join() === HELD.join());
    expect(able.answers()).toEqual([]);
  });
});
