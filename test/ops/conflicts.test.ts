import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../src/errors.ts';
import { parseInstanceArgument } from '../../src/model/instance-argument.ts';
import { changeInstances } from '../../src/ops/change-instances.ts';
import { publish } from '../../src/ops/publish.ts';
import { unpublish } from '../../src/ops/unpublish.ts';
import { admin, everything, failure, putRaw, spec, START, withOthers, world } from './world.ts';

const ENTRY = '10.96.0.10:80/tcp';
const weights = (attempt: number): string => `10.0.1.11:8080=${attempt + 10} 10.0.1.12:8080`;

describe('--if-revision', () => {
  it.each([
    { name: 'its own revision', shift: 0 },
    { name: 'a later one at which it was still the same', shift: 1 },
  ])('lets a write through at $name', async ({ shift }) => {
    const { store, ann, bob } = world();
    const { revision } = await publish(ann, [spec('web', ENTRY)]);
    await putRaw(store, { other: '{}' });
    const wanted = [spec('web', ENTRY, '10.0.1.12:8080')];
    const report = await publish(bob, wanted, { ifRevision: revision + shift });
    expect(report.results[0]?.outcome).toBe('updated');
  });

  it.each([
    { name: 'an earlier revision', give: (own: number) => own - 1 },
    { name: 'a revision that is yet to come', give: (own: number) => own + 100 },
    { name: '0, if the service exists', give: () => 0 },
  ])('stops a write at $name', async ({ give }) => {
    const { store, ann, bob } = world();
    const { revision } = await publish(ann, [spec('web', ENTRY)]);
    const before = await everything(store);
    const wanted = [spec('web', ENTRY, '10.0.1.12:8080')];
    const error = await failure(publish(bob, wanted, { ifRevision: give(revision) }));
    expect(error.code).toBe('conflict');
    expect(await everything(store)).toEqual(before);
  });

  it('stops the write of a service that does not exist', async () => {
    const { store, ann } = world();
    const revision = await putRaw(store, { other: '{}' });
    const error = await failure(publish(ann, [spec('web', ENTRY)], { ifRevision: revision }));
    expect(error.message).toBe('service "web" does not exist any more');
  });

  it('says who changed the service last, also if it was deleted', async () => {
    const { ann, bob } = world();
    const { revision } = await publish(ann, [spec('web', ENTRY)]);
    await publish(bob, [spec('web', ENTRY, '10.0.1.12:8080')], { reason: 'new box' });
    const wanted = [spec('web', ENTRY, '10.0.1.13:8080')];
    const changed = await failure(publish(ann, wanted, { ifRevision: revision }));
    expect(changed.message).toBe(`service "web" was changed after revision ${revision}`);
    expect(changed.why).toMatch(
      /^bob@bob-pc changed it at revision \d+, 2026-.*: sluice by bob \(new box\)$/,
    );
    await unpublish(bob, ['web']);
    const deleted = await failure(publish(ann, wanted, { ifRevision: revision }));
    expect(deleted.message).toBe('service "web" does not exist any more');
    expect(deleted.details).toMatchObject({ lastChange: { actor: 'bob' } });
  });

  it('creates with 0 exactly if there is none, also against another who is quicker', async () => {
    const { store, ann } = world();
    const raced = withOthers(store, () => publish(ann, [spec('web', '10.96.0.99:80')]));
    const report = await publish(admin(raced, 'bob'), [spec('web', ENTRY)], { ifRevision: 0 });
    expect(report.error?.message).toBe('service "web" exists already');
    expect(raced.attempts).toBe(1);
  });
});

describe('against others', () => {
  it('reads and plans again, and wins on the fifth attempt', async () => {
    const { store, ann } = world();
    await publish(ann, [spec('web', ENTRY)]);
    const busy = withOthers(store, async (attempt) => {
      if (attempt < 5) await publish(ann, [spec('web', ENTRY, weights(attempt))]);
    });
    const report = await publish(admin(busy, 'bob'), [spec('web', ENTRY, '10.0.1.11:8080=2 10.0.1.12:8080')]);
    expect(report.results[0]?.outcome).toBe('updated');
    expect(busy.attempts).toBe(5);
  });

  it('gives up after five attempts with 75 and the name of the last writer', async () => {
    const { store, ann } = world();
    await publish(ann, [spec('web', ENTRY)]);
    const busy = withOthers(store, (attempt) => publish(ann, [spec('web', ENTRY, weights(attempt))]));
    const report = await publish(admin(busy, 'bob'), [spec('web', ENTRY, '10.0.1.11:8080=2 10.0.1.12:8080')]);
    expect(report.error).toMatchObject({
      code: 'conflict',
      details: { attempts: 5, lastChange: { actor: 'ann' } },
    });
    expect(busy.attempts).toBe(5);
  });

  it('does not undo a change of entries that came between, where no instance changed', async () => {
    const { store, ann } = world();
    await publish(ann, [spec('web', ENTRY)]);
    const raced = withOthers(store, (attempt) =>
      attempt === 1 ? publish(ann, [spec('web', `${ENTRY} 10.96.0.11:80`)]) : Promise.resolve(),
    );
    const report = await publish(admin(raced, 'bob'), [spec('web', `${ENTRY} 10.96.0.12:80`)]);
    expect(raced.attempts).toBe(2);
    expect(report.results[0]?.plan.releases.map(({ ip }) => ip)).toEqual(['10.96.0.11']);
    const claims = [...(await everything(store)).keys()].filter((key) => key.startsWith('entry/'));
    expect(claims).toEqual([`entry/${ENTRY}`, 'entry/10.96.0.12:80/tcp']);
  });

  it('does not bring back a service that was deleted between', async () => {
    const { store, ann } = world();
    await publish(ann, [spec('web', ENTRY)]);
    const raced = withOthers(store, () => unpublish(ann, ['web']));
    const instances = [parseInstanceArgument('10.0.1.50:8080')];
    const adding = changeInstances(admin(raced, 'bob'), { kind: 'add', service: 'web', instances });
    expect((await failure(adding)).code).toBe('not-found');
    const keys = [...(await everything(store)).keys()].filter((key) => !key.startsWith('audit/'));
    expect(keys).toEqual(['generation']);
  });

  it('asks again when an instance that was added meanwhile would be removed', async () => {
    const { store, ann } = world();
    await publish(ann, [spec('web', ENTRY)]);
    const added = {
      kind: 'add',
      service: 'web',
      instances: [parseInstanceArgument('10.0.1.50:8080')],
    } as const;
    const raced = withOthers(store, (attempt) =>
      attempt === 1 ? changeInstances(ann, added) : Promise.resolve(),
    );
    const asked: number[] = [];
    const report = await publish(admin(raced, 'bob'), [spec('web', ENTRY, '10.0.1.11:8080=7')], {
      confirm: async (plans) => {
        asked.push(plans.flatMap(({ narrowing }) => narrowing).length);
        if (asked.length > 1) throw new SluiceError('not-confirmed', 'declined');
        await Promise.resolve();
      },
    });
    expect(asked).toEqual([0, 1]);
    expect(report.error?.code).toBe('not-confirmed');
    expect((await everything(store)).has('instance/web/10.0.1.50:8080')).toBe(true);
  });

  it('does not write over an instance that something other than an admin put there', async () => {
    const { store, ann } = world();
    await publish(ann, [spec('web', ENTRY)]);
    const foreign = JSON.stringify({
      address: '10.0.1.70:80',
      weight: 1,
      origin: 'registered',
      state: 'ready',
      createdAt: START,
    });
    const raced = withOthers(store, (attempt) =>
      attempt === 1 ? putRaw(store, { 'instance/web/r1': foreign }) : Promise.resolve(),
    );
    const report = await publish(admin(raced, 'bob'), [spec('web', ENTRY, '10.0.1.12:8080')]);
    expect(report.results[0]?.shares.map(({ id }) => id)).toEqual(['r1', '10.0.1.12:8080']);
    expect(raced.attempts).toBe(2);
  });
});
