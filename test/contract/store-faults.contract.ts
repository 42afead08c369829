/** Owns what every Store must do when requests and answers are lost, and when it cannot be reached. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { prefixRange } from '../../src/store/keys.ts';
import type { Store, Transaction } from '../../src/store/store.ts';
import { eventually, type StoreWorld } from './store-world.ts';
import { put, record, write } from './store.contract.ts';

/** The suite; run for every implementation. */
export function describeStoreFaults(name: string, open: () => Promise<StoreWorld>): void {
  describe(`the ${name} store under faults`, () => {
    let world: StoreWorld;
    beforeAll(async () => {
      world = await open();
    });
    afterEach(() => {
      world.healWay();
    });
    afterAll(async () => {
      await world.close();
    });
    lostAnswers(() => world);
    unreachable(() => world);
  });
}

/** A create of `key` with its own audit record. */
const request = (key: string): Transaction => ({
  compares: [{ kind: 'mod-revision', key, equals: 0 }],
  operations: [put(key, 'mine'), put(`audit/${key}`, `{"request":"${key}"}`)],
  requestKey: `audit/${key}`,
});

const written = (store: Store, key: string) => async (): Promise<boolean> =>
  (await store.get(key)).item !== undefined;

function lostAnswers(world: () => StoreWorld): void {
  it('finds out through the request key that a write was done though its answer was lost', async () => {
    const { store, direct, loseAnswer } = world();
    const result = await loseAnswer(() => store.transact(request('lost/a')), {
      done: written(direct, 'lost/a'),
      after: 'reachable',
    });
    const { item } = await direct.get('lost/a');
    expect(result).toEqual({ kind: 'done', revision: item?.modRevision });
    expect(item?.version).toBe(1);
    expect((await direct.get('audit/lost/a')).item?.value).toBe('{"request":"lost/a"}');
  });

  it('does a write again, once, whose request was lost', async () => {
    const { store, direct, loseRequest } = world();
    const result = await loseRequest(() => store.transact(request('lost/b')));
    const { item } = await direct.get('lost/b');
    expect(result).toEqual({ kind: 'done', revision: item?.modRevision });
    expect(item?.version).toBe(1);
    expect((await direct.get('audit/lost/b')).item?.value).toBe('{"request":"lost/b"}');
  });

  it('answers a request that was done before with its revision, and another one with a conflict', async () => {
    const { store } = world();
    const first = await store.transact(request('lost/c'));
    await write(store, put('lost/c', 'changed since'));
    expect(await store.transact(request('lost/c'))).toEqual(first);
    const other = { ...request('lost/c'), operations: [put('audit/lost/c', 'another request')] };
    expect((await store.transact(other)).kind).toBe('conflict');
  });

  it('says "unknown" where an answer was lost and no request key was given', async () => {
    const { store, direct, loseAnswer } = world();
    const blind = { compares: [], operations: [put('lost/d', '1')] };
    const how = { done: written(direct, 'lost/d'), after: 'reachable' } as const;
    await expect(loseAnswer(() => store.transact(blind), how)).rejects.toMatchObject({ code: 'unknown' });
    expect((await direct.get('lost/d')).item?.version).toBe(1);
  });

  it('says "unknown" where an answer was lost and the store cannot be reached to find out', async () => {
    const { store, direct, loseAnswer } = world();
    const how = { done: written(direct, 'lost/e'), after: 'gone' } as const;
    await expect(loseAnswer(() => store.transact(request('lost/e')), how)).rejects.toMatchObject({
      code: 'unknown',
      details: { requestKey: 'audit/lost/e' },
    });
    expect((await direct.get('lost/e')).item?.version).toBe(1);
  });
}

function unreachable(world: () => StoreWorld): void {
  it('says "unavailable" to reads and writes within their budget, and has written nothing', async () => {
    const { store, direct, breakWay } = world();
    breakWay();
    const place = { code: 'unavailable', details: { written: false } };
    const bounds = { timeoutMs: 700 };
    await expect(store.list(prefixRange('away/'), bounds)).rejects.toMatchObject(place);
    await expect(store.get('away/a', bounds)).rejects.toMatchObject(place);
    await expect(store.count(prefixRange('away/'), bounds)).rejects.toMatchObject(place);
    await expect(store.transact(request('away/a'), bounds)).rejects.toMatchObject(place);
    await expect(store.grantLease(5, bounds)).rejects.toMatchObject(place);
    expect((await store.status(bounds)).map((each) => each.healthy)).toEqual([false]);
    expect((await direct.get('away/a')).item).toBeUndefined();
  });

  it('ends a watch with "lost" and serves the next one after it is back', async () => {
    const { store, direct, breakWay, healWay } = world();
    const start = await write(store, put('cut/a', '1'));
    const first = record(store, 'cut/', start);
    await eventually(() => expect(first.calls.ready).toBe(1));
    breakWay();
    await eventually(() => expect(first.ends.map((end) => end.kind)).toEqual(['lost']));
    const refused = record(store, 'cut/', start);
    await eventually(() => expect(refused.ends.map((end) => end.kind)).toEqual(['lost']));
    await write(direct, put('cut/a', '2'));
    healWay();
    await eventually(async () => void (await store.get('cut/a')));
    const second = record(store, 'cut/', start);
    await eventually(() => expect(second.text()).toEqual(['cut/a=2']));
    expect(first.text()).toEqual([]);
    second.watch.close();
  });

  it('tells the holder that a lease is lost before the server gives it to another', async () => {
    const { store, direct, breakWay } = world();
    const lease = await store.grantLease(3);
    await write(store, { kind: 'put', key: 'held/a', value: '1', lease: lease.id });
    breakWay();
    await eventually(() => expect(lease.lost.aborted).toBe(true));
    expect((await direct.get('held/a')).item).toBeDefined();
    await eventually(async () => expect((await direct.get('held/a')).item).toBeUndefined());
    await lease.revoke();
  });

  it('sends nothing once the caller has given up', async () => {
    const { store, direct } = world();
    const signal = AbortSignal.abort();
    await expect(store.transact(request('given-up'), { signal })).rejects.toMatchObject({
      code: 'interrupted',
    });
    await expect(store.get('given-up', { signal })).rejects.toMatchObject({ code: 'interrupted' });
    expect((await direct.get('given-up')).item).toBeUndefined();
  });

  it('ends its watches and refuses calls after it is closed', async () => {
    const store = world().connect();
    const start = await write(store, put('shut/a', '1'));
    const seen = record(store, 'shut/', start);
    await eventually(() => expect(seen.calls.ready).toBe(1));
    await store.close();
    await eventually(() => expect(seen.ends).toEqual([{ kind: 'closed' }]));
    await expect(store.get('shut/a')).rejects.toMatchObject({ code: 'unavailable' });
    await expect(store.transact(request('shut/b'))).rejects.toMatchObject({ code: 'unavailable' });
    await store.close();
  });
}
