import { describe, expect, it } from 'vitest';
import { describe as describeThing } from '../../src/ops/describe.ts';
import { listInstances, listNodes, listServices } from '../../src/ops/list.ts';
import { publish } from '../../src/ops/publish.ts';
import { failure, nodeSays, putRaw, remove, spec, START, world } from './world.ts';

const ENTRY = '10.96.0.10:80/tcp';
const PAIR = '10.0.1.11:8080 10.0.1.12:8080=3 10.0.1.13:8080=0';

describe('lists', () => {
  it('of services count instances, ready ones, and live nodes that have the last change', async () => {
    const { store, ann } = world();
    const { revision } = await publish(ann, [spec('web', ENTRY, PAIR), spec('api', '10.96.0.11:80', '')]);
    await nodeSays(store, 'n1', { applied: revision });
    await nodeSays(store, 'n2', { applied: revision - 1 });
    await nodeSays(store, 'n3', { applied: revision, failures: ['no route'] });
    await nodeSays(store, 'n4', { applied: revision, alive: false });
    const { items, invalid } = await listServices(ann);
    expect(invalid).toEqual([]);
    expect(items).toMatchObject([
      { name: 'api', entries: ['10.96.0.11:80/tcp'], instances: 0, ready: 0, nodesApplied: 1, nodesTotal: 3 },
      {
        name: 'web',
        entries: [ENTRY],
        instances: 3,
        ready: 2,
        nodesApplied: 2,
        nodesTotal: 3,
        policy: 'static',
      },
    ]);
    expect(items[0]?.ageSeconds).toBe(0);
  });

  it('of instances show shares, in the order of their age', async () => {
    const { ann } = world();
    await publish(ann, [spec('web', ENTRY, '10.0.1.12:8080=3'), spec('api', '10.96.0.11:80', '10.0.9.9:1')]);
    await publish(ann, [spec('web', ENTRY, '10.0.1.11:8080 10.0.1.12:8080=3')]);
    const all = await listInstances(ann);
    expect(all.items.map(({ service, id, share }) => [service, id, share])).toEqual([
      ['api', '10.0.9.9:1', 1],
      ['web', '10.0.1.12:8080', 0.75],
      ['web', '10.0.1.11:8080', 0.25],
    ]);
    expect((await listInstances(ann, { service: 'api' })).items).toHaveLength(1);
    expect((await failure(listInstances(ann, { service: 'apu' }))).why).toBe('did you mean api?');
  });

  it('of nodes show the live and the silent ones, with what they applied', async () => {
    const { store, ann } = world();
    await nodeSays(store, 'n2', { applied: 7, alive: false });
    await nodeSays(store, 'n1', { applied: 9 });
    const { items } = await listNodes(ann);
    expect(items).toMatchObject([
      { name: 'n1', alive: true, aliveSince: START, appliedRevision: 9, lastHeardAt: undefined, cpus: 2 },
      {
        name: 'n2',
        alive: false,
        aliveSince: undefined,
        appliedRevision: 7,
        lastHeardAt: START,
        silentSeconds: 0,
      },
    ]);
  });

  it('report records that cannot be read, and show everything else', async () => {
    const { store, ann } = world();
    await publish(ann, [spec('web', ENTRY)]);
    await putRaw(store, { 'service/bad': '[]', 'node/n1': '{}', 'instance/web/x y': '{}' });
    const { items, invalid } = await listServices(ann);
    expect(items.map(({ name }) => name)).toEqual(['web']);
    expect(invalid.map(({ key }) => key)).toEqual(['instance/web/x y', 'node/n1', 'service/bad']);
  });
});

describe('a description', () => {
  it('shows a service with its instances, its nodes and who changed it last', async () => {
    const { store, ann, bob } = world();
    await publish(ann, [spec('web', ENTRY, PAIR)]);
    const { revision } = await publish(bob, [spec('web', ENTRY, '10.0.1.11:8080')], { reason: 'fewer' });
    await nodeSays(store, 'n1', { applied: revision });
    await nodeSays(store, 'n2', { applied: revision - 1, failures: ['full'] });
    const { description } = await describeThing(ann, { kind: 'service', service: 'web' });
    expect(description).toMatchObject({
      kind: 'service',
      service: { name: 'web', revision, nodesApplied: 1, nodesTotal: 2 },
      instances: [{ id: '10.0.1.11:8080', share: 1 }],
      nodes: [
        { node: 'n1', current: true, failures: [] },
        { node: 'n2', current: false, appliedRevision: revision - 1, failures: ['full'] },
      ],
      lastChange: { actor: 'bob', reason: 'fewer', revision },
    });
  });

  it('does not name the wrong one when somebody wrote without an audit record', async () => {
    const { store, ann } = world();
    await publish(ann, [spec('web', ENTRY)]);
    const item = (await store.get('service/web')).item;
    await putRaw(store, { 'service/web': item?.value ?? '' });
    const { description } = await describeThing(ann, { kind: 'service', service: 'web' });
    expect(description).toMatchObject({ lastChange: undefined });
  });

  it('shows an instance and a node', async () => {
    const { store, ann } = world();
    await publish(ann, [spec('web', ENTRY)]);
    await nodeSays(store, 'n1', { applied: 1 });
    const instance = await describeThing(ann, { kind: 'instance', service: 'web', id: '10.0.1.11:8080' });
    expect(instance.description).toMatchObject({
      kind: 'instance',
      instance: { share: 1 },
      service: { name: 'web' },
    });
    const node = await describeThing(ann, { kind: 'node', node: 'n1' });
    expect(node.description).toMatchObject({
      kind: 'node',
      node: { name: 'n1', alive: true },
      instances: [],
    });
  });

  it.each([
    { reference: { kind: 'service', service: 'wbe' } as const, what: 'service "wbe" not found' },
    {
      reference: { kind: 'instance', service: 'web', id: '10.0.1.12:8080' } as const,
      what: 'instance "10.0.1.12:8080" of service "web" not found',
    },
    { reference: { kind: 'node', node: 'n7' } as const, what: 'node "n7" not found' },
  ])('says that $what', async ({ reference, what }) => {
    const { store, ann } = world();
    await publish(ann, [spec('web', ENTRY)]);
    await nodeSays(store, 'n1', {});
    const error = await failure(describeThing(ann, reference));
    expect(error).toMatchObject({ code: 'not-found', message: what });
    expect(error.why).toMatch(/^did you mean/);
  });
});

describe('a node that is gone', () => {
  it('is not counted any more', async () => {
    const { store, ann } = world();
    const { revision } = await publish(ann, [spec('web', ENTRY)]);
    await nodeSays(store, 'n1', { applied: revision });
    await remove(store, 'node-alive/n1');
    expect((await listServices(ann)).items[0]).toMatchObject({ nodesApplied: 0, nodesTotal: 0 });
  });
});
