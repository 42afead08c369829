/** Tests writes to managed services while agents write their instances: no false conflicts, no lost words of others. */
import { describe, expect, it } from 'vitest';
import type { Instance } from '../../src/model/service.ts';
import { decodeNode } from '../../src/model/records-node.ts';
import { decodeInstance, decodeService, encodeInstance } from '../../src/model/records-service.ts';
import { templateOf } from '../../src/model/template-defaults.ts';
import { changeNode } from '../../src/ops/change-node.ts';
import { changeService, type ServiceChange } from '../../src/ops/change-service.ts';
import { publish } from '../../src/ops/publish.ts';
import { instanceKey, nodeKey, serviceKey } from '../../src/store/keys.ts';
import { admin, failure, nodeSays, putRaw, spec, START, withOthers, world } from './world.ts';

const WEB = {
  ...spec('web', '10.96.0.10:80', ''),
  template: templateOf({ command: ['node', '{port}'] }),
  replicas: 3,
};
const worker = (restarts: number): Instance => ({
  service: 'web',
  id: 'web-1',
  ip: '10.0.1.11',
  port: 20_000,
  weight: 1,
  origin: 'managed',
  state: 'ready',
  node: 'n1',
  restarts,
  createdAt: START,
});
const key = instanceKey('web', 'web-1');
const scale = (count: number): ServiceChange => ({
  kind: 'scale',
  service: 'web',
  request: { kind: 'to', count },
});
const by = (count: number): ServiceChange => ({
  kind: 'scale',
  service: 'web',
  request: { kind: 'by', count },
});
const drain: ServiceChange = {
  kind: 'drain',
  service: 'web',
  request: { kind: 'drain', ids: ['web-1'], order: { since: START, by: 'ann@pc' } },
};

describe('a managed service under the words of agents', () => {
  it('is scaled and published at the first attempt while its instances change', async () => {
    const { store, ann } = world();
    await publish(ann, [WEB]);
    let restarts = 0;
    const busy = withOthers(store, async () =>
      putRaw(store, { [key]: encodeInstance(worker((restarts += 1))) }),
    );
    await changeService({ ...ann, store: busy }, scale(5));
    expect(busy.attempts).toBe(1);
    await publish({ ...ann, store: busy }, [{ ...WEB, masquerade: true }]);
    expect(busy.attempts).toBe(2);
    const { item } = await store.get(key);
    expect(decodeInstance('web', 'web-1', item?.value ?? '').value.restarts).toBe(2);
  });

  it('has an instance drained on top of what its agent wrote meanwhile', async () => {
    const { store, ann } = world();
    await publish(ann, [WEB]);
    await putRaw(store, { [key]: encodeInstance(worker(0)) });
    const busy = withOthers(store, async (attempt) =>
      attempt === 1 ? putRaw(store, { [key]: encodeInstance(worker(7)) }) : undefined,
    );
    await changeService({ ...ann, store: busy }, drain);
    expect(busy.attempts).toBe(2);
    const { item } = await store.get(key);
    expect(decodeInstance('web', 'web-1', item?.value ?? '').value).toMatchObject({
      restarts: 7,
      drain: { by: 'ann@pc' },
    });
  });

  it('is scaled twice at once one after the other, each on what the other left', async () => {
    const { store, ann } = world();
    await publish(ann, [WEB]);
    await Promise.all([changeService(ann, by(2)), changeService(admin(store, 'bob'), by(4))]);
    const { item } = await store.get(serviceKey('web'));
    expect(decodeService('web', item?.value ?? '').value.replicas).toBe(9);
  });

  it('is not scaled if it was changed after the revision that was named', async () => {
    const { ann } = world();
    const { revision } = await publish(ann, [WEB]);
    await changeService(ann, scale(4), { ifRevision: revision });
    expect((await failure(changeService(ann, scale(5), { ifRevision: revision }))).code).toBe('conflict');
  });
});

describe('a node', () => {
  it('keeps what its agent wrote at the same time as it was cordoned', async () => {
    const { store, ann } = world();
    await nodeSays(store, 'n1', {});
    const busy = withOthers(store, async (attempt) =>
      attempt === 1 ? nodeSays(store, 'n1', { alive: false }) : undefined,
    );
    const wanted = { node: 'n1', change: { kind: 'cordon' } } as const;
    const result = await changeNode({ ...ann, store: busy }, wanted);
    expect(result).toMatchObject({ outcome: 'cordoned', cordoned: true });
    expect(busy.attempts).toBe(2);
    const { item } = await store.get(nodeKey('n1'));
    expect(decodeNode('n1', item?.value ?? '').value).toMatchObject({ cordoned: true, cpus: 2 });
    await nodeSays(store, 'n2', {});
    const others = withOthers(store, async () => nodeSays(store, 'n2', {}));
    const lost = await failure(changeNode({ ...ann, store: others }, { ...wanted, node: 'n2' }));
    expect(lost).toMatchObject({ code: 'conflict' });
  });
});
