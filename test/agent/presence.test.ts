import { describe, expect, it, onTestFinished } from 'vitest';
import { type Presence, startPresence } from '../../src/agent/presence.ts';
import { systemClock } from '../../src/host/clock.ts';
import { waitUntil } from '../../src/host/wait.ts';
import type { Applied } from '../../src/model/node.ts';
import { decodeApplied } from '../../src/model/records-node.ts';
import { appliedKey, nodeAliveKey } from '../../src/store/keys.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import type { KeyValue, Lease, Store } from '../../src/store/store.ts';
import { createVirtualClock } from '../harness/virtual-clock.ts';
import { FACTS, keptLog } from './world.ts';

const MARKER = nodeAliveKey('n1');

/** A presence whose leases can be taken for lost, as after 7 s without an answer of the store. */
function present(store: Store): { readonly presence: Presence; readonly leases: Lease[]; lose: () => void } {
  const leases: Lease[] = [];
  let lost = new AbortController();
  const losing: Store = {
    ...store,
    grantLease: async (...args) => {
      const lease = await store.grantLease(...args);
      leases.push(lease);
      lost = new AbortController();
      return { ...lease, lost: lost.signal };
    },
  };
  const presence = startPresence({
    store: losing,
    facts: FACTS,
    clock: systemClock,
    log: keptLog(),
  });
  onTestFinished(() => presence.close());
  return { presence, leases, lose: () => lost.abort() };
}

async function markerUnder(store: Store, lease: Lease | undefined): Promise<KeyValue> {
  return await waitUntil(
    async () => {
      const { item } = await store.get(MARKER);
      return item !== undefined && item.lease === lease?.id ? item : undefined;
    },
    { what: 'the marker under that lease', timeoutMs: 10_000 },
  );
}

describe('the marker of a node', () => {
  it('goes over to the next lease when one is lost, and is never away', async () => {
    const store = createMemoryStore();
    const { leases, lose } = present(store);
    await waitUntil(() => leases.length === 1, { what: 'a lease', timeoutMs: 10_000 });
    const before = await markerUnder(store, leases[0]);
    lose();
    await waitUntil(() => leases.length === 2, { what: 'another lease', timeoutMs: 10_000 });
    const after = await markerUnder(store, leases[1]);
    expect(after.createRevision).toBe(before.createRevision);
    expect(after.version).toBe(before.version + 1);
    expect(leases[0]?.lost.aborted).toBe(true);
  });

  it('goes at once when the agent ends in order', async () => {
    const store = createMemoryStore();
    const { presence, leases } = present(store);
    await waitUntil(() => leases.length === 1, { what: 'a lease', timeoutMs: 10_000 });
    await markerUnder(store, leases[0]);
    await presence.close();
    expect((await store.get(MARKER)).item).toBeUndefined();
  });
});

const applied = (revision: number, instances: number): Applied => ({
  node: 'n1',
  revision,
  rulesHash: String(instances).padStart(64, '0'),
  entries: 1,
  instances,
  appliedAt: '2026-01-31T09:30:00.000Z',
  failures: [],
});

describe('what a node acknowledges', () => {
  it('is told at once where the kernel changed; other revisions wait a moment, and only the last is told', async () => {
    const store = createMemoryStore();
    const clock = createVirtualClock();
    const presence = startPresence({ store, facts: FACTS, clock, log: keptLog() });
    onTestFinished(() => presence.close());
    const read = async () => (await store.get(appliedKey('n1'))).item;
    /** How often something was told until this revision was. */
    const told = async (revision: number): Promise<number> =>
      await waitUntil(
        async () => {
          const item = await read();
          const isTold = item !== undefined && decodeApplied('n1', item.value).value.revision === revision;
          return isTold ? item.version : undefined;
        },
        { what: `revision ${revision} acknowledged`, timeoutMs: 10_000 },
      );
    /** Gives whoever would write now the time to. */
    const settle = async (): Promise<void> => {
      for (let turn = 0; turn < 50; turn += 1) await read();
    };
    presence.acknowledge(applied(1, 3));
    const first = await told(1);
    presence.acknowledge(applied(2, 4));
    expect(await told(2)).toBe(first + 1);
    presence.acknowledge(applied(3, 4));
    await settle();
    presence.acknowledge(applied(4, 4));
    await settle();
    presence.acknowledge(applied(5, 5));
    expect(await told(5)).toBe(first + 2);
    for (const revision of [6, 7, 8]) presence.acknowledge(applied(revision, 5));
    await settle();
    await clock.advance(1_000);
    expect(await told(8)).toBe(first + 3);
  });
});
