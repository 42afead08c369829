import { describe, expect, it, onTestFinished } from 'vitest';
import { type Presence, startPresence } from '../../src/agent/presence.ts';
import { systemClock } from '../../src/host/clock.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { nodeAliveKey } from '../../src/store/keys.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import type { KeyValue, Lease, Store } from '../../src/store/store.ts';
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
