import { describe, expect, it } from 'vitest';
import { createReads } from '../../src/apiserver/cache/reads.ts';
import { createEventLog } from '../../src/apiserver/cache/event-log.ts';
import { startWatchCache, type WatchCache } from '../../src/apiserver/cache/watch-cache.ts';
import { eventsLine } from '../../src/apiserver/routes/store-watch.ts';
import { createMemoryBackend } from '../../src/store/memory/backend.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import type { KeyRange, Operation, Store, StoreEvent } from '../../src/store/store.ts';
import { createVirtualClock, settle } from '../harness/virtual-clock.ts';

const EVERYTHING: KeyRange = { start: '', end: '~' };
const put = (key: string, value: string, lease?: string): Operation => ({
  kind: 'put',
  key,
  value,
  ...(lease === undefined ? {} : { lease }),
});
const write = async (store: Store, ...operations: readonly Operation[]): Promise<number> =>
  (await store.transact({ compares: [], operations })).revision;

/** A cache on a store in memory whose way can be cut, and a way around it. */
async function createWorld() {
  const clock = createVirtualClock();
  const backend = createMemoryBackend(clock);
  const way = { broken: false, calls: 0 };
  const store = createMemoryStore({
    clock,
    backend,
    fault: (call) => {
      if (call === 'count') way.calls += 1;
      return way.broken ? { kind: 'unreachable' } : undefined;
    },
  });
  const direct = createMemoryStore({ clock, backend });
  await write(direct, put('service/a', '1'), put('service/b', '1'));
  const cache = startWatchCache({
    store,
    clock,
    random: () => 0.5,
    format: eventsLine,
    limits: { events: 8, characters: 1_000 },
  });
  await settle();
  return { clock, backend, store, direct, cache, way };
}

/** A watcher that writes down what it is told. */
async function record(cache: WatchCache, range: KeyRange, after: number) {
  const texts: string[] = [];
  const batches: (readonly StoreEvent[])[] = [];
  const ends: string[] = [];
  let ready = 0;
  const leave = await cache.watch(range, after, {
    ready: () => (ready += 1),
    deliver: ({ text, events: batch }) => {
      texts.push(text());
      batches.push(batch);
    },
    end: (kind) => ends.push(kind),
  });
  const events = (): string[] =>
    batches
      .flat()
      .map((event) => (event.kind === 'put' ? `${event.item.key}=${event.item.value}` : `-${event.key}`));
  return { texts, ends, events, leave, ready: () => ready };
}

describe('the watch cache', () => {
  it('tells what came since, then what comes, the same text to all who watch one range', async () => {
    const { cache, direct } = await createWorld();
    const start = cache.state().revision;
    await write(direct, put('service/a', '2'), put('node/x', '1'));
    await write(direct, { kind: 'delete', key: 'service/b' });
    await settle();
    const range = { start: 'service/', end: 'service0' };
    const [one, two] = [await record(cache, range, start), await record(cache, range, start)];
    expect(one.ready()).toBe(1);
    expect(one.events()).toEqual(['service/a=2', '-service/b']);
    await write(direct, put('service/c', '3'));
    await settle();
    expect(one.events()).toEqual(['service/a=2', '-service/b', 'service/c=3']);
    expect(two.texts.at(-1)).toBe(one.texts.at(-1));
    one.leave();
    await write(direct, put('service/d', '4'));
    await settle();
    expect(one.events()).toHaveLength(3);
    expect(two.events()).toHaveLength(4);
    expect(cache.watchers()).toBe(1);
    await cache.close();
    expect(two.ends).toEqual(['lost']);
  });

  it('tells nothing twice to a watch that begins ahead of the copy', async () => {
    const { cache, direct, store } = await createWorld();
    const head = await write(direct, put('service/a', '2'));
    // Not settled: the copy has not seen it yet, the watcher has.
    const ahead = await record(cache, EVERYTHING, head);
    await write(store, put('service/a', '3'));
    await settle();
    expect(ahead.events()).toEqual(['service/a=3']);
    await cache.close();
  });

  it('sends a watch to list again from what it has forgotten, from the compacted past and from the future', async () => {
    const { cache, direct, backend } = await createWorld();
    const start = cache.state().revision;
    for (let round = 0; round < 12; round += 1) await write(direct, put('service/a', String(round)));
    await settle();
    const gone = { code: 'unavailable', details: { compacted: true } };
    await expect(record(cache, EVERYTHING, start)).rejects.toMatchObject(gone);
    await expect(record(cache, EVERYTHING, start + 100)).rejects.toMatchObject(gone);
    const recent = cache.state().revision - 1;
    expect((await record(cache, EVERYTHING, recent)).events()).toEqual(['service/a=11']);
    backend.compact();
    await expect(record(cache, EVERYTHING, recent)).rejects.toMatchObject(gone);
    await cache.close();
  });

  it('ends watches when the store is away for long, not when it is away for a moment', async () => {
    const { cache, clock, store, direct, way } = await createWorld();
    const seen = await record(cache, EVERYTHING, cache.state().revision);
    way.broken = true;
    store.cutWatches('cut by the test');
    await clock.advance(1_500);
    way.broken = false;
    await clock.advance(3_000);
    await write(direct, put('service/a', '2'));
    await settle();
    expect([seen.events(), seen.ends]).toEqual([['service/a=2'], []]);
    way.broken = true;
    store.cutWatches('cut by the test');
    await clock.advance(4_000);
    expect(seen.ends).toEqual(['lost']);
    await expect(record(cache, EVERYTHING, 0)).rejects.toMatchObject({ code: 'unavailable' });
    expect(cache.list(EVERYTHING).map(({ key }) => key)).toEqual(['service/a', 'service/b']);
    await cache.close();
  });

  it('tells what a listing found changed', async () => {
    const { cache, clock, store, direct, backend, way } = await createWorld();
    const seen = await record(cache, EVERYTHING, cache.state().revision);
    way.broken = true;
    store.cutWatches('cut by the test');
    await write(direct, put('service/c', '1'), { kind: 'delete', key: 'service/a' });
    backend.compact();
    way.broken = false;
    await clock.advance(2_000);
    expect(seen.events().toSorted()).toEqual(['-service/a', 'service/c=1']);
    await cache.close();
  });

  it('sends watches to list again when the store was set back', async () => {
    const { cache, clock, direct, backend } = await createWorld();
    const backup = cache.state().revision;
    const seen = await record(cache, EVERYTHING, backup);
    await write(direct, put('service/c', '1'), { kind: 'delete', key: 'service/a' });
    await settle();
    backend.setBack(backup);
    await clock.advance(2_000);
    expect(seen.ends).toEqual(['compacted']);
    expect(cache.list(EVERYTHING).map(({ key }) => key)).toEqual(['service/a', 'service/b']);
    expect((await record(cache, EVERYTHING, backup)).ready()).toBe(1);
    await cache.close();
  });

  it('knows which keys hang on a lease', async () => {
    const { cache, direct, backend } = await createWorld();
    const lease = backend.grant(60);
    await write(direct, put('node-alive/a', '1', lease), put('holder/b', '1', lease));
    await settle();
    expect(cache.keysOfLease(lease).toSorted()).toEqual(['holder/b', 'node-alive/a']);
    await write(direct, put('holder/b', '2'));
    await settle();
    expect(cache.keysOfLease(lease)).toEqual(['node-alive/a']);
    backend.revoke(lease);
    await settle();
    expect(cache.keysOfLease(lease)).toEqual([]);
    await cache.close();
  });
});

describe('reads', () => {
  const now = { consistent: true, timeoutMs: 1_000 };

  it('that must be consistent ask for the head once for all who wait', async () => {
    const { cache, store, direct, way } = await createWorld();
    const reads = createReads(cache, store);
    await write(direct, put('service/a', 'new'));
    const before = way.calls;
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => (await reads.get('service/a', now)).item?.value),
    );
    expect(new Set(answers)).toEqual(new Set(['new']));
    expect(way.calls - before).toBeLessThanOrEqual(2);
    await cache.close();
  });

  it('ask the store where the head moved without an event', async () => {
    const { cache, clock, store, direct } = await createWorld();
    const head = await write(direct, put('~others', '1'));
    const reads = createReads(cache, store);
    const answer = reads.list({ start: 'service/', end: 'service0' }, { ...now, revision: undefined });
    await clock.advance(100);
    expect((await answer).revision).toBe(head);
    expect(cache.state().revision).toBeLessThan(head);
    await cache.close();
  });

  it('from memory go on while the store is away, consistent ones say so', async () => {
    const { cache, clock, store, way } = await createWorld();
    const reads = createReads(cache, store);
    way.broken = true;
    const memory = { consistent: false, timeoutMs: 1_000 };
    expect((await reads.count({ start: 'service/', end: 'service0' }, memory)).count).toBe(2);
    const refused = reads.get('service/a', now).catch((error: unknown) => error);
    await clock.advance(3_000);
    expect(await refused).toMatchObject({ code: 'unavailable' });
    await cache.close();
  });
});

const event = (revision: number, key: string): StoreEvent => ({ kind: 'delete', key, revision });

describe('the event log', () => {
  it('forgets whole transactions, never a part of one', () => {
    const log = createEventLog({ events: 10, characters: 1_000 });
    for (let revision = 1; revision <= 40; revision += 1)
      log.add([event(revision, 'a'), event(revision, 'b'), event(revision, 'c')]);
    const from = Array.from({ length: 41 }, (_, revision) => log.after(revision));
    expect(from[40]).toEqual([]);
    expect(from[39]).toHaveLength(3);
    expect(from[0]).toBeUndefined();
    const held = from.flatMap((events, revision) =>
      events === undefined ? [] : [[revision, events.length]],
    );
    expect(held).toEqual(held.map(([revision = 0]) => [revision, (40 - revision) * 3]));
    log.restart(7);
    expect([log.after(6), log.after(7)]).toEqual([undefined, []]);
  });
});
