import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Stored } from '../../src/model/service.ts';
import {
  type ReadRecords,
  snapshotOf,
  snapshotReading,
  type SnapshotView,
  updateSnapshot,
} from '../../src/store/snapshot.ts';
import type { KeyValue, StoreEvent } from '../../src/store/store.ts';

const TIME = '2026-01-02T03:04:05Z';
const service = (entry: string): string =>
  JSON.stringify({ entries: [`${entry}/tcp`], origin: 'static', masquerade: false, createdAt: TIME });
const instance = (address: string, weight = 1): string =>
  JSON.stringify({ address, weight, origin: 'static', state: 'ready', createdAt: TIME });
const item = (key: string, value: string, revision = 1): KeyValue => ({
  key,
  value,
  createRevision: revision,
  modRevision: revision,
  version: 1,
});
const put = (key: string, value: string, revision = 2): StoreEvent => ({
  kind: 'put',
  item: item(key, value, revision),
});
const gone = (key: string): StoreEvent => ({ kind: 'delete', key, revision: 2 });

const WEB = [
  item('service/web', service('10.96.0.10:80')),
  item('instance/web/10.0.1.11:80', instance('10.0.1.11:80')),
  item('instance/web/10.0.1.12:80', instance('10.0.1.12:80')),
];

const byKey = <T>(map: ReadonlyMap<string, T>): readonly (readonly [string, T])[] =>
  [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));

/** Also what a record reads only when it is asked. */
const fields = <T>({ value, createRevision, modRevision, raw }: Stored<T>): unknown => ({
  value,
  createRevision,
  modRevision,
  raw,
});

/** A snapshot as plain sorted data. */
function plain({ snapshot, invalid }: SnapshotView): unknown {
  return {
    services: byKey(snapshot.services).map(([name, stored]) => [name, fields(stored)]),
    instances: byKey(snapshot.instances).map(([name, list]) => [
      name,
      list.toSorted((a, b) => (a.value.id < b.value.id ? -1 : 1)).map(fields),
    ]),
    invalid: invalid.map(({ key }) => key),
  };
}

describe('a snapshot of a listing', () => {
  it('has the stored JSON of each record, fields of other versions included', () => {
    const value = service('10.96.0.10:80').replace('{', '{"later":[1],');
    const { snapshot } = snapshotOf([item('service/web', value, 6)], 7);
    expect(snapshot.services.get('web')?.raw).toEqual(JSON.parse(value));
    expect(snapshot.services.get('web')?.modRevision).toBe(6);
  });

  it('holds the weights that were computed, and keeps them when a later record cannot be read', () => {
    const text = `{"weights":{"10.0.0.1:8080":{"weight":7,"base":1}},"why":"","at":"2026-01-31T09:30:00.000Z"}`;
    const first = snapshotOf([...WEB, item('weights/web', text)], 7);
    const weight = { weight: 7, base: 1 };
    expect(first.snapshot.weights?.get('web')?.weights.get('10.0.0.1:8080')).toEqual(weight);
    const broken = updateSnapshot(first, [{ kind: 'put', item: item('weights/web', '{}') }], 8);
    expect(broken.invalid.map(({ key }) => key)).toEqual(['weights/web']);
    expect(broken.snapshot.weights).toEqual(first.snapshot.weights);
    expect(snapshotOf([...WEB, item('weights/web', '{}')], 8, first).snapshot.weights?.size).toBe(1);
    const later = updateSnapshot(broken, [{ kind: 'delete', key: 'weights/web', revision: 9 }], 9);
    expect([later.invalid, later.snapshot.weights?.size]).toEqual([[], 0]);
  });

  it('holds services and instances, and ignores other families', () => {
    const others = ['generation', 'node/n1', 'services', 'lock/x'].map((key) => item(key, '{}'));
    const { snapshot, invalid } = snapshotOf([...WEB, ...others], 7);
    expect(snapshot.revision).toBe(7);
    expect([...snapshot.services.keys()]).toEqual(['web']);
    expect(snapshot.instances.get('web')?.map(({ value }) => value.id)).toEqual([
      '10.0.1.11:80',
      '10.0.1.12:80',
    ]);
    expect(invalid).toEqual([]);
  });

  it('reports what cannot be read, sorted, and keeps the rest', () => {
    const broken = [
      item('service/z', '7'),
      item('instance/web/a b', '{}'),
      item('service/a/b', service('10.96.0.9:1')),
    ];
    const { snapshot, invalid } = snapshotOf([...broken, ...WEB], 7);
    expect(invalid.map(({ key }) => key)).toEqual(['instance/web/a b', 'service/a/b', 'service/z']);
    expect(invalid.every(({ why }) => why.length > 10 && !why.includes('\n'))).toBe(true);
    expect(snapshot.services.size).toBe(1);
    expect(snapshot.instances.get('web')).toHaveLength(2);
  });

  it('takes the earlier good record where one cannot be read any more, and reports it all the same', () => {
    const before = snapshotOf(WEB, 7);
    const now = snapshotOf([item('service/web', '7'), item('instance/web/10.0.1.11:80', '{}')], 8, before);
    expect(now.snapshot.services.get('web')).toBe(before.snapshot.services.get('web'));
    expect(now.snapshot.instances.get('web')?.map(({ value }) => value.id)).toEqual(['10.0.1.11:80']);
    expect(now.invalid).toHaveLength(2);
  });
});

describe('an update of a snapshot', () => {
  it('leaves what did not change as the very same objects, and the old snapshot as it was', () => {
    const before = snapshotOf([...WEB, item('service/api', service('10.96.0.11:80'))], 7);
    const now = updateSnapshot(before, [put('instance/web/10.0.1.12:80', instance('10.0.1.12:80', 9))], 8);
    expect(now.snapshot.services).toBe(before.snapshot.services);
    expect(now.snapshot.instances.get('web')?.[0]).toBe(before.snapshot.instances.get('web')?.[0]);
    expect(now.snapshot.instances.get('web')?.[1]?.value.weight).toBe(9);
    expect(before.snapshot.instances.get('web')?.[1]?.value.weight).toBe(1);
    expect(now.snapshot.revision).toBe(8);
  });

  it('with changes of other families only is the same but for the revision', () => {
    const before = snapshotOf(WEB, 7);
    const now = updateSnapshot(before, [put('generation', '{}'), gone('node-alive/n1')], 8);
    expect(now.snapshot.services).toBe(before.snapshot.services);
    expect(now.snapshot.instances).toBe(before.snapshot.instances);
    expect(now.invalid).toBe(before.invalid);
  });

  it('keeps forwarding to what was good when a broken record comes, until it is repaired or deleted', () => {
    const good = snapshotOf(WEB, 7);
    const broken = updateSnapshot(good, [put('service/web', '7')], 8);
    expect(broken.snapshot.services.get('web')).toBe(good.snapshot.services.get('web'));
    expect(broken.invalid.map(({ key }) => key)).toEqual(['service/web']);
    const repaired = updateSnapshot(broken, [put('service/web', service('10.96.0.77:80'))], 9);
    expect(repaired.snapshot.services.get('web')?.value.entries[0]?.ip).toBe('10.96.0.77');
    expect(repaired.invalid).toEqual([]);
    const deleted = updateSnapshot(broken, [gone('service/web')], 9);
    expect(deleted.snapshot.services.has('web')).toBe(false);
    expect(deleted.invalid).toEqual([]);
  });

  it('by single changes ends where a listing of the same keys ends', () => {
    const key = fc.oneof(
      fc.constantFrom('a', 'b').map((name) => `service/${name}`),
      fc
        .tuple(fc.constantFrom('a', 'b'), fc.constantFrom('1', '2', '3'))
        .map(([name, n]) => `instance/${name}/10.0.0.${n}:80`),
    );
    const step = fc.record({ key, put: fc.boolean(), weight: fc.nat(3), batch: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const items = new Map<string, KeyValue>();
        let view = snapshotOf([], 0);
        let batch: StoreEvent[] = [];
        for (const [index, one] of steps.entries()) {
          const address = one.key.slice(one.key.lastIndexOf('/') + 1);
          const value = one.key.startsWith('s')
            ? service(`10.96.0.${one.weight + 1}:80`)
            : instance(address, one.weight);
          const event = one.put ? put(one.key, value, index + 1) : gone(one.key);
          if (event.kind === 'put') items.set(one.key, event.item);
          else items.delete(one.key);
          batch.push(event);
          if (one.batch) view = updateSnapshot(view, batch, index + 1);
          if (one.batch) batch = [];
        }
        view = updateSnapshot(view, batch, steps.length);
        expect(plain(view)).toEqual(plain(snapshotOf([...items.values()], steps.length)));
      }),
      { seed: 20_260_102, numRuns: 300 },
    );
  });
});

describe('a snapshot of a copy that was read before', () => {
  it('takes what it read from the very same items, and reads the others', async () => {
    const known: ReadRecords = { services: new WeakMap(), instances: new WeakMap() };
    const first = await snapshotReading(WEB, 1, { known });
    expect(plain(first)).toEqual(plain(snapshotOf(WEB, 1)));
    const [web, one] = WEB;
    if (web === undefined || one === undefined) throw new Error('there are three items');
    const changed = item('instance/web/10.0.1.12:80', instance('10.0.1.12:80', 7), 2);
    const broken = item('instance/web/10.0.1.13:80', '{}', 2);
    const second = await snapshotReading([web, one, changed, broken], 2, { known });
    expect(second.snapshot.services.get('web')).toBe(first.snapshot.services.get('web'));
    const instances = second.snapshot.instances.get('web');
    expect(instances?.[0]).toBe(first.snapshot.instances.get('web')?.[0]);
    expect(instances?.map(({ value }) => value.weight)).toEqual([1, 7]);
    expect(second.invalid.map(({ key }) => key)).toEqual(['instance/web/10.0.1.13:80']);
    // What is gone from the copy is not in the next snapshot, whatever was read before.
    expect((await snapshotReading([web], 3, { known })).snapshot.instances.size).toBe(0);
  });
});
