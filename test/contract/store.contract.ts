/** Owns what every Store must do when nothing goes wrong. Faults are in store-faults.contract.ts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Operation, Store, StoreEvent, WatchEnd } from '../../src/store/store.ts';
import { prefixRange } from '../../src/store/keys.ts';
import { eventually, type StoreWorld } from './store-world.ts';

/** A put. */
export const put = (key: string, value: string): Operation => ({ kind: 'put', key, value });

/** Thousands of operations on a machine that is busy with other things. */
const PATIENT = { timeoutMs: 20_000 };

/** Puts without conditions; gives the revision. */
export async function write(store: Store, ...operations: readonly Operation[]): Promise<number> {
  const result = await store.transact({ compares: [], operations }, PATIENT);
  expect(result.kind).toBe('done');
  return result.revision;
}

/** A watch that records. */
export function record(store: Store, prefix: string, afterRevision: number) {
  const batches: (readonly StoreEvent[])[] = [];
  const ends: WatchEnd[] = [];
  const calls = { ready: 0 };
  const watch = store.watch(prefixRange(prefix), afterRevision, {
    onReady: () => {
      calls.ready += 1;
    },
    onEvents: (events) => {
      batches.push(events);
    },
    onEnd: (end) => {
      ends.push(end);
    },
  });
  const text = (): string[] =>
    batches
      .flat()
      .map((event) => (event.kind === 'put' ? `${event.item.key}=${event.item.value}` : `-${event.key}`));
  return { watch, batches, ends, calls, text };
}

/** The suite; run for every implementation. */
export function describeStore(name: string, open: () => Promise<StoreWorld>): void {
  describe(`the ${name} store`, () => {
    let world: StoreWorld;
    let store: Store;
    beforeAll(async () => {
      world = await open();
      store = world.store;
    });
    afterAll(async () => {
      await world.close();
    });
    reading(() => store);
    transactions(() => store);
    watching(() => world);
    leases(() => world);
    leasesLetGo(() => world);
    racing(() => world);
  });
}

function reading(store: () => Store): void {
  it('reads what was written, with revisions and versions as etcd counts them', async () => {
    const first = await write(store(), put('read/a', '1'));
    const second = await write(store(), put('read/a', '2'), put('read/b', 'ü\n'));
    expect(second).toBe(first + 1);
    const { items, revision } = await store().list(prefixRange('read/'));
    expect(revision).toBe(second);
    expect(items).toEqual([
      { key: 'read/a', value: '2', createRevision: first, modRevision: second, version: 2 },
      { key: 'read/b', value: 'ü\n', createRevision: second, modRevision: second, version: 1 },
    ]);
    expect(await store().get('read/b')).toEqual({ revision, item: items[1] });
    expect(await store().get('read/c')).toEqual({ revision, item: undefined });
    expect(await store().count(prefixRange('read/'))).toEqual({ revision, count: 2 });
  });

  it('reads the past at a revision, and starts versions anew after a deletion', async () => {
    const before = await write(store(), put('past/a', 'old'));
    await write(store(), { kind: 'delete', key: 'past/a' });
    const after = await write(store(), put('past/a', 'new'));
    const past = await store().list(prefixRange('past/'), { revision: before });
    expect(past.revision).toBe(before);
    expect(past.items.map((item) => item.value)).toEqual(['old']);
    const { item } = await store().get('past/a');
    expect(item).toMatchObject({ value: 'new', createRevision: after, version: 1 });
  });

  it('lists more keys than a page holds in order at one revision', async () => {
    const keys = Array.from({ length: 12_000 }, (_, index) => `page/${String(index).padStart(5, '0')}`);
    for (let from = 0; from < keys.length; from += 4_000) {
      await write(store(), ...keys.slice(from, from + 4_000).map((key) => put(key, 'x')));
    }
    const { items } = await store().list(prefixRange('page/'), { timeoutMs: 20_000 });
    expect(items.map((item) => item.key)).toEqual(keys);
    await write(store(), { kind: 'delete-range', range: prefixRange('page/') });
    expect((await store().count(prefixRange('page/'))).count).toBe(0);
  });
}

function transactions(store: () => Store): void {
  it('creates a key once only', async () => {
    const create = {
      compares: [{ kind: 'mod-revision', key: 'once', equals: 0 }],
      operations: [put('once', '1')],
    } as const;
    const done = await store().transact(create);
    expect(done.kind).toBe('done');
    expect(await store().transact(create)).toEqual({ kind: 'conflict', revision: done.revision });
  });

  it('writes nothing if one of the compares fails', async () => {
    const created = await write(store(), put('cas/a', '1'));
    const changed = await write(store(), put('cas/a', '2'));
    const attempt = (key: string, kind: 'mod-revision' | 'create-revision', equals: number) =>
      store().transact({ compares: [{ kind, key, equals }], operations: [put('cas/b', kind)] });
    expect((await attempt('cas/a', 'mod-revision', created)).kind).toBe('conflict');
    expect((await attempt('cas/a', 'create-revision', changed)).kind).toBe('conflict');
    expect((await attempt('cas/none', 'mod-revision', changed)).kind).toBe('conflict');
    expect((await store().get('cas/b')).item).toBeUndefined();
    expect((await attempt('cas/a', 'mod-revision', changed)).kind).toBe('done');
    expect((await attempt('cas/a', 'create-revision', created)).kind).toBe('done');
  });

  it('notices a new and a changed key of a range, but neither a deletion nor keys beside it', async () => {
    await write(store(), put('range/a', '1'), put('range/b', '1'));
    const since = (revision: number) =>
      store().transact({
        compares: [{ kind: 'range-unchanged', range: prefixRange('range/'), revision }],
        operations: [put('range-seen', String(revision))],
      });
    const { revision } = await store().list(prefixRange('range/'));
    await write(store(), put('rangf', '1'), { kind: 'delete', key: 'range/b' });
    expect((await since(revision)).kind).toBe('done');
    const changed = await write(store(), put('range/a', '2'));
    expect((await since(revision)).kind).toBe('conflict');
    expect((await since(changed)).kind).toBe('done');
    await write(store(), put('range/c', '1'));
    expect((await since(changed)).kind).toBe('conflict');
    await write(store(), { kind: 'delete-range', range: prefixRange('range/') });
    expect((await since(0)).kind).toBe('done');
  });

  it('keeps the revision when nothing is changed', async () => {
    const revision = await write(store(), put('same', '1'));
    expect(await write(store(), { kind: 'delete', key: 'not-there' })).toBe(revision);
    expect(await write(store())).toBe(revision);
  });

  it('does 4,000 operations as one revision, and refuses what no store could do before sending it', async () => {
    const many = Array.from({ length: 4_000 }, (_, index) => put(`many/${index}`, 'x'));
    const revision = await write(store(), ...many);
    const { items } = await store().list(prefixRange('many/'), { timeoutMs: 20_000 });
    expect(new Set(items.map((item) => item.modRevision))).toEqual(new Set([revision]));
    const more = [...many, ...many.map((_, index) => put(`more/${index}`, 'x'))];
    await expect(store().transact({ compares: [], operations: more })).rejects.toMatchObject({
      code: 'invalid-spec',
      details: { written: false },
    });
    const large = [put('large', 'x'.repeat(1_500_000))];
    await expect(store().transact({ compares: [], operations: large })).rejects.toMatchObject({
      code: 'invalid-spec',
    });
    const largest = [put('large', 'x'.repeat(1_460_000))];
    expect((await store().transact({ compares: [], operations: largest }, PATIENT)).kind).toBe('done');
    await write(store(), { kind: 'delete-range', range: prefixRange('many/') });
  });

  it('does as many operations under many compares as their sum allows', async () => {
    const compares = Array.from({ length: 100 }, (_, index) => ({
      kind: 'mod-revision' as const,
      key: `absent/${index}`,
      equals: 0,
    }));
    const operations = Array.from({ length: 2_000 }, (_, index) => put(`deep/${index}`, 'x'));
    const { revision } = await store().transact({ compares, operations }, PATIENT);
    expect((await store().count(prefixRange('deep/'))).count).toBe(2_000);
    const again = [
      ...compares.slice(1),
      { kind: 'mod-revision' as const, key: 'deep/0', equals: revision + 1 },
    ];
    const refused = await store().transact({
      compares: again,
      operations: [{ kind: 'delete-range', range: prefixRange('deep/') }],
    });
    expect(refused.kind).toBe('conflict');
    expect((await store().count(prefixRange('deep/'))).count).toBe(2_000);
    await write(store(), { kind: 'delete-range', range: prefixRange('deep/') });
  });

  it('refuses a transaction that changes a key twice', async () => {
    const twice = (operation: Operation) =>
      store().transact({ compares: [], operations: [put('twice/a', '1'), operation] });
    for (const operation of [
      put('twice/a', '2'),
      { kind: 'delete', key: 'twice/a' } as const,
      { kind: 'delete-range', range: prefixRange('twice/') } as const,
    ]) {
      await expect(twice(operation)).rejects.toMatchObject({ code: 'internal' });
    }
    expect((await store().get('twice/a')).item).toBeUndefined();
  });
}

function watching(world: () => StoreWorld): void {
  it('delivers whole transactions in order, from the past into the present', async () => {
    const { store } = world();
    const start = await write(store, put('watch/before', '0'));
    await write(store, put('watch/a', '1'), put('watch/b', '1'), put('beside', '1'));
    const seen = record(store, 'watch/', start);
    await eventually(() => expect(seen.calls.ready).toBe(1));
    await write(store, put('watch/a', '2'), { kind: 'delete', key: 'watch/b' });
    await write(store, { kind: 'delete-range', range: prefixRange('watch/') });
    await eventually(() => expect(seen.text()).toHaveLength(6));
    expect(seen.text().slice(0, 4)).toEqual(['watch/a=1', 'watch/b=1', 'watch/a=2', '-watch/b']);
    expect(seen.text().slice(4).toSorted()).toEqual(['-watch/a', '-watch/before']);
    const revisions = seen.batches.map((batch) => batch.map(revisionOf));
    for (const revision of new Set(revisions.flat())) {
      expect(revisions.filter((batch) => batch.includes(revision))).toHaveLength(1);
    }
    expect(revisions.flat()).toEqual(revisions.flat().toSorted((a, b) => a - b));
    seen.watch.close();
  });

  it('ends a closed watch once and delivers nothing after', async () => {
    const { store } = world();
    const start = await write(store, put('closed/a', '1'));
    const seen = record(store, 'closed/', start);
    await eventually(() => expect(seen.calls.ready).toBe(1));
    seen.watch.close();
    seen.watch.close();
    await eventually(() => expect(seen.ends).toEqual([{ kind: 'closed' }]));
    const still = record(store, 'closed/', start);
    await write(store, put('closed/a', '2'));
    await eventually(() => expect(still.text()).toEqual(['closed/a=2']));
    expect(seen.text()).toEqual([]);
    expect(seen.ends).toHaveLength(1);
    still.watch.close();
  });

  it('ends a watch of a compacted or a future revision with "compacted", and lists there fail', async () => {
    const { store, compact } = world();
    const old = await write(store, put('compact/a', '1'));
    await write(store, put('compact/a', '2'));
    const head = await write(store, { kind: 'delete', key: 'compact/a' });
    await compact(head);
    for (const start of [old, head - 1, head + 1_000]) {
      const seen = record(store, 'compact/', start);
      await eventually(() => expect(seen.ends.map((end) => end.kind)).toEqual(['compacted']));
      await expect(store.list(prefixRange('compact/'), { revision: start })).rejects.toMatchObject({
        code: 'unavailable',
        details: { compacted: true },
      });
    }
    const seen = record(store, 'compact/', head);
    await eventually(() => expect(seen.calls.ready).toBe(1));
    await write(store, put('compact/a', '3'));
    await eventually(() => expect(seen.text()).toEqual(['compact/a=3']));
    seen.watch.close();
  });
}

function leases(world: () => StoreWorld): void {
  it('keeps a lease alive beyond its time, and deletes its keys when it is revoked', async () => {
    const { store, direct } = world();
    const lease = await store.grantLease(2);
    await write(store, { kind: 'put', key: 'lease/a', value: '1', lease: lease.id });
    const ended = await store.grantLease(2);
    await ended.revoke();
    const outlived = performance.now() + lease.ttlSeconds * 1_500;
    await eventually(async () => {
      expect((await direct.get('lease/a')).item?.lease).toBe(lease.id);
      expect(lease.lost.aborted).toBe(false);
      expect(performance.now()).toBeGreaterThan(outlived);
    });
    await lease.revoke();
    expect(lease.lost.aborted).toBe(true);
    expect((await direct.get('lease/a')).item).toBeUndefined();
    const late = { kind: 'put', key: 'lease/b', value: '1', lease: ended.id } as const;
    await expect(store.transact({ compares: [], operations: [late] })).rejects.toMatchObject({
      code: 'conflict',
      details: { leaseLost: true, written: false },
    });
  });

  it('lets a lease run out when its holder is gone, and tells a watch', async () => {
    const { direct, connect } = world();
    const holder = connect();
    const lease = await holder.grantLease(2);
    const revision = await write(holder, { kind: 'put', key: 'gone/a', value: '1', lease: lease.id });
    const seen = record(direct, 'gone/', revision);
    await holder.close();
    expect(lease.lost.aborted).toBe(true);
    await eventually(() => expect(seen.text()).toEqual(['-gone/a']));
    seen.watch.close();
  });
}

function leasesLetGo(world: () => StoreWorld): void {
  it('leaves the keys of a lease that is let go until it runs out', async () => {
    const { store, direct } = world();
    const lease = await store.grantLease(2);
    const revision = await write(store, { kind: 'put', key: 'let-go/a', value: '1', lease: lease.id });
    const seen = record(direct, 'let-go/', revision);
    lease.letGo();
    expect(lease.lost.aborted).toBe(true);
    expect((await direct.get('let-go/a')).item?.lease).toBe(lease.id);
    await eventually(() => expect(seen.text()).toEqual(['-let-go/a']));
    seen.watch.close();
  });
}

function racing(world: () => StoreWorld): void {
  it('lets exactly one of eight claim an entry, in each of 25 rounds', async () => {
    const admins = Array.from({ length: 8 }, () => world().connect());
    for (let round = 0; round < 25; round += 1) {
      const key = `entry/10.0.0.${round}:80/tcp`;
      const results = await Promise.all(
        admins.map((admin, index) =>
          admin.transact({
            compares: [{ kind: 'create-revision', key, equals: 0 }],
            operations: [put(key, String(index)), put(`service/s${round}-${index}`, '{}')],
          }),
        ),
      );
      const winners = results.flatMap((result, index) => (result.kind === 'done' ? [index] : []));
      expect(winners).toHaveLength(1);
      expect((await world().direct.get(key)).item?.value).toBe(String(winners[0]));
      expect((await world().direct.count(prefixRange(`service/s${round}-`))).count).toBe(1);
    }
    await Promise.all(admins.map((admin) => admin.close()));
  });
}

const revisionOf = (event: StoreEvent): number =>
  event.kind === 'put' ? event.item.modRevision : event.revision;
