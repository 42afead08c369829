import { describe, expect, it } from 'vitest';
import { parseInstanceArgument } from '../../src/model/instance-argument.ts';
import { changeInstances, type InstancesChange } from '../../src/ops/change-instances.ts';
import { planInstancesChange, planRemovals, planSpecs } from '../../src/ops/preview.ts';
import { publish } from '../../src/ops/publish.ts';
import { unpublish } from '../../src/ops/unpublish.ts';
import { admin, everything, failure, putRaw, spec, trail, withOthers, world } from './world.ts';

const ENTRY = '10.96.0.10:80/tcp';
const ONE = parseInstanceArgument('10.0.1.11:8080=4');
const TWO = parseInstanceArgument('10.0.1.12:8080');

describe('unpublish', () => {
  it('takes service, instances and claims away in one transaction, and nothing else', async () => {
    const { store, ann } = world();
    await publish(ann, [spec('web', ENTRY), spec('web-2', '10.96.0.11:80')]);
    const report = await unpublish(ann, ['web', 'web']);
    expect(report.results).toMatchObject([{ service: 'web', outcome: 'deleted', shares: [] }]);
    const keys = [...(await everything(store)).keys()].filter((key) => !key.startsWith('audit/'));
    expect(keys).toEqual([
      'entry/10.96.0.11:80/tcp',
      'generation',
      'instance/web-2/10.0.1.11:8080',
      'service/web-2',
    ]);
    expect((await trail(store)).at(-1)).toMatchObject({
      subject: 'service/web',
      outcome: 'deleted',
      afterHash: '',
    });
  });

  it('deletes nothing when one of the names does not exist, and names all that are missing', async () => {
    const { store, ann } = world();
    await publish(ann, [spec('web', ENTRY)]);
    const before = await everything(store);
    const error = await failure(unpublish(ann, ['web', 'wbe', 'zzz']));
    expect(error).toMatchObject({
      code: 'not-found',
      why: 'did you mean web?',
      details: { missing: ['wbe', 'zzz'] },
    });
    expect(await everything(store)).toEqual(before);
  });

  it('leaves a claim that another service holds by now', async () => {
    const { store, ann } = world();
    await publish(ann, [spec('web', ENTRY)]);
    await putRaw(store, { [`entry/${ENTRY}`]: '{"service":"other"}' });
    await unpublish(ann, ['web']);
    expect((await everything(store)).get(`entry/${ENTRY}`)?.value).toBe('{"service":"other"}');
  });

  it('asks again when instances were added meanwhile', async () => {
    const { store, ann } = world();
    await publish(ann, [spec('web', ENTRY)]);
    const added: InstancesChange = { kind: 'add', service: 'web', instances: [TWO] };
    const raced = withOthers(store, (attempt) =>
      attempt === 1 ? changeInstances(ann, added) : Promise.resolve(),
    );
    let asked = 0;
    const confirm = async (): Promise<void> => {
      asked += 1;
      await Promise.resolve();
    };
    const report = await unpublish(admin(raced, 'bob'), ['web'], { confirm });
    expect(report.results[0]?.outcome).toBe('deleted');
    expect({ asked, attempts: raced.attempts }).toEqual({ asked: 2, attempts: 2 });
    expect([...(await everything(store)).keys()].some((key) => key.startsWith('instance/'))).toBe(false);
  });
});

describe('instances', () => {
  it('are added, set and removed, each in one transaction that also raises the service', async () => {
    const { store, ann } = world();
    await publish(ann, [spec('web', ENTRY)]);
    const add = await changeInstances(ann, { kind: 'add', service: 'web', instances: [TWO] });
    const set = await changeInstances(ann, { kind: 'set', service: 'web', instances: [ONE] });
    expect(set.shares.map(({ id, share }) => [id, share])).toEqual([
      ['10.0.1.11:8080', 0.8],
      ['10.0.1.12:8080', 0.2],
    ]);
    const gone = await changeInstances(ann, { kind: 'remove', service: 'web', addresses: [ONE] });
    expect(gone.shares.map(({ id }) => id)).toEqual(['10.0.1.12:8080']);
    expect([add, set, gone].map(({ outcome }) => outcome)).toEqual(['updated', 'updated', 'updated']);
    expect((await everything(store)).get('service/web')?.modRevision).toBe(gone.revision);
  });

  it('of a service that does not exist are not found', async () => {
    const { ann } = world();
    const error = await failure(changeInstances(ann, { kind: 'add', service: 'web', instances: [ONE] }));
    expect(error).toMatchObject({ code: 'not-found', details: { missing: ['web'] } });
  });

  it('of two admins are both there afterwards', async () => {
    const { store, ann } = world();
    await publish(ann, [spec('web', ENTRY)]);
    const other: InstancesChange = { kind: 'add', service: 'web', instances: [TWO] };
    const raced = withOthers(store, (attempt) =>
      attempt === 1 ? changeInstances(ann, other) : Promise.resolve(),
    );
    const mine = parseInstanceArgument('10.0.1.13:8080');
    await changeInstances(admin(raced, 'bob'), { kind: 'add', service: 'web', instances: [mine] });
    const keys = [...(await everything(store)).keys()].filter((key) => key.startsWith('instance/'));
    expect(keys).toHaveLength(3);
  });

  it('of a service that cannot be read are left alone', async () => {
    const { store, ann } = world();
    await publish(ann, [spec('web', ENTRY)]);
    await putRaw(store, { 'service/web': '{}' });
    const error = await failure(changeInstances(ann, { kind: 'add', service: 'web', instances: [TWO] }));
    expect(error).toMatchObject({ code: 'failed', message: 'service "web" cannot be read' });
    expect((await failure(unpublish(ann, ['web']))).message).toBe('service "web" cannot be read');
  });
});

describe('a preview', () => {
  it('is the plan that the write then does, and writes nothing', async () => {
    const { store, ann } = world();
    await publish(ann, [spec('web', ENTRY)]);
    const before = await everything(store);
    const wanted = [spec('web', ENTRY, '10.0.1.12:8080'), spec('api', '10.96.0.11:80')];
    const plans = await planSpecs(ann, wanted);
    expect(plans.map(({ service, outcome }) => [service, outcome])).toEqual([
      ['web', 'updated'],
      ['api', 'created'],
    ]);
    expect((await planRemovals(ann, ['web']))[0]?.outcome).toBe('deleted');
    const added = await planInstancesChange(ann, { kind: 'add', service: 'web', instances: [TWO] });
    expect(added.changes.map(({ kind }) => kind)).toEqual(['add-instance']);
    expect(await everything(store)).toEqual(before);
    const report = await publish(ann, wanted);
    expect(report.results.map(({ plan }) => plan.narrowing)).toEqual(plans.map(({ narrowing }) => narrowing));
  });

  it('refuses what the write would refuse', async () => {
    const { ann } = world();
    const { revision } = await publish(ann, [spec('web', ENTRY)]);
    expect((await failure(planSpecs(ann, [spec('api', ENTRY)]))).details).toMatchObject({ holder: 'web' });
    const late = planInstancesChange(
      ann,
      { kind: 'remove', service: 'web', addresses: [ONE] },
      { ifRevision: revision - 1 },
    );
    expect((await failure(late)).code).toBe('conflict');
    expect((await failure(planRemovals(ann, ['nope']))).code).toBe('not-found');
  });
});
