import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../src/errors.ts';
import { publish } from '../../src/ops/publish.ts';
import { unpublish } from '../../src/ops/unpublish.ts';
import { changeInstances } from '../../src/ops/change-instances.ts';
import { parseInstanceArgument } from '../../src/model/instance-argument.ts';
import { admin, everything, failure, putRaw, spec, trail, withOthers, world } from './world.ts';

const ENTRY = '10.96.0.10:80/tcp';

describe('publish', () => {
  it('creates service, instances, claims, generation and audit record in one transaction', async () => {
    const { store, ann } = world();
    const report = await publish(ann, [spec('web', ENTRY, '10.0.1.11:8080 10.0.1.12:8080=3')], {
      reason: 'go',
    });
    expect(report.error).toBeUndefined();
    expect(report.results).toMatchObject([{ service: 'web', outcome: 'created', requestId: 'ann-1' }]);
    expect(report.results[0]?.shares.map(({ id, share }) => [id, share])).toEqual([
      ['10.0.1.11:8080', 0.25],
      ['10.0.1.12:8080', 0.75],
    ]);
    const all = await everything(store);
    expect([...all.keys()]).toEqual([
      expect.stringMatching(/^audit\/2026-01-02T03:04:05\.\d{3}Z-ann-1$/),
      `entry/${ENTRY}`,
      'generation',
      'instance/web/10.0.1.11:8080',
      'instance/web/10.0.1.12:8080',
      'service/web',
    ]);
    expect(new Set([...all.values()].map(({ modRevision }) => modRevision))).toEqual(
      new Set([report.revision]),
    );
    const [audit] = await trail(store);
    expect(audit).toMatchObject({ actor: 'ann', host: 'ann-pc', command: 'sluice by ann', reason: 'go' });
    expect(audit).toMatchObject({ subject: 'service/web', outcome: 'created', beforeHash: '' });
    expect(audit?.afterHash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('writes nothing when nothing changes, and reports the revision of the last change', async () => {
    const { store, ann, bob } = world();
    const first = await publish(ann, [spec('web', ENTRY)]);
    const before = await everything(store);
    await putRaw(store, { 'applied/n1': '{}' });
    const again = await publish(bob, [spec('web', ENTRY)]);
    expect(again.results).toMatchObject([
      { outcome: 'unchanged', revision: first.revision, requestId: undefined },
    ]);
    expect([...(await everything(store)).keys()]).toEqual(['applied/n1', ...before.keys()]);
  });

  it('rewrites the key of the service with every change of its instances, and keeps fields it does not know', async () => {
    const { store, ann } = world();
    await publish(ann, [spec('web', ENTRY)]);
    const old = (await everything(store)).get('service/web')?.value ?? '';
    await putRaw(store, { 'service/web': old.replace('{', '{"later":[1],') });
    const { revision } = await publish(ann, [spec('web', ENTRY, '10.0.1.11:8080 10.0.1.12:8080')]);
    const service = (await everything(store)).get('service/web');
    expect(service?.modRevision).toBe(revision);
    expect(JSON.parse(service?.value ?? '')).toMatchObject({ later: [1], entries: [ENTRY] });
  });

  it('chains the hashes of the audit trail: after one write is before the next', async () => {
    const { store, ann } = world();
    await publish(ann, [spec('web', ENTRY)]);
    await publish(ann, [spec('web', ENTRY, '10.0.1.11:8080=5')]);
    await changeInstances(ann, {
      kind: 'add',
      service: 'web',
      instances: [parseInstanceArgument('10.0.1.12:8080')],
    });
    await unpublish(ann, ['web']);
    const hashes = (await trail(store)).map(({ beforeHash, afterHash }) => ({ beforeHash, afterHash }));
    expect(hashes.map(({ beforeHash }) => beforeHash)).toEqual([
      '',
      ...hashes.slice(0, 3).map(({ afterHash }) => afterHash),
    ]);
    expect(hashes.at(-1)?.afterHash).toBe('');
    expect(new Set(hashes.map(({ afterHash }) => afterHash)).size).toBe(4);
  });

  it('takes more instances in one transaction than etcd takes operations on one level, and away again', async () => {
    const { store, ann } = world();
    const many = Array.from({ length: 500 }, (_, index) => `10.1.${index >> 8}.${index & 255}:80`).join(' ');
    const { revision } = await publish(ann, [spec('big', ENTRY, many)]);
    const instances = [...(await everything(store)).values()].filter(({ key }) =>
      key.startsWith('instance/'),
    );
    expect(instances).toHaveLength(500);
    expect(instances.every((item) => item.modRevision === revision)).toBe(true);
    await publish(ann, [spec('big', ENTRY, '10.1.0.0:80')]);
    expect([...(await everything(store)).keys()].filter((key) => key.startsWith('instance/'))).toEqual([
      'instance/big/10.1.0.0:80',
    ]);
  });

  it('repairs records that cannot be read', async () => {
    const { store, ann } = world();
    await publish(ann, [spec('web', ENTRY, '10.0.1.11:8080')]);
    await putRaw(store, { 'service/web': 'not json', 'instance/web/10.0.1.99:8080': '{}' });
    const report = await publish(ann, [spec('web', ENTRY, '10.0.1.12:8080')]);
    expect(report.error).toBeUndefined();
    const keys = [...(await everything(store)).keys()].filter((key) => !key.startsWith('audit/'));
    expect(keys).toEqual([`entry/${ENTRY}`, 'generation', 'instance/web/10.0.1.12:8080', 'service/web']);
  });

  it.each([
    ['a service twice', [spec('web', ENTRY), spec('web', '10.96.0.11:80')]],
    ['an entry twice', [spec('web', ENTRY), spec('api', ENTRY)]],
  ])('refuses %s in one command, with nothing written', async (_, specs) => {
    const { store, ann } = world();
    expect((await failure(publish(ann, specs))).code).toBe('invalid-spec');
    expect((await everything(store)).size).toBe(0);
  });
});

describe('entries', () => {
  it('refuses an entry that another service holds, without a transaction', async () => {
    const { store, ann } = world();
    await publish(ann, [spec('api', ENTRY)]);
    const counted = withOthers(store, () => Promise.resolve());
    const error = await failure(publish(admin(counted, 'bob'), [spec('web', ENTRY)]));
    expect(error.message).toBe(`entry ${ENTRY} is held by service "api"`);
    expect(error).toMatchObject({
      code: 'conflict',
      details: { entry: ENTRY, holder: 'api', service: 'web' },
    });
    expect(counted.attempts).toBe(0);
    expect((await everything(store)).has('service/web')).toBe(false);
  });

  it('tells who holds an entry that was taken between read and write, after one attempt', async () => {
    const { store, ann } = world();
    const raced = withOthers(store, () => publish(ann, [spec('api', ENTRY)]));
    const report = await publish(admin(raced, 'bob'), [spec('web', ENTRY)]);
    expect(report.error).toMatchObject({ code: 'conflict', details: { entry: ENTRY, holder: 'api' } });
    expect(raced.attempts).toBe(1);
    expect((await everything(store)).has('service/web')).toBe(false);
  });

  it('frees entries that a service gives up, in the same transaction', async () => {
    const { store, ann, bob } = world();
    await publish(ann, [spec('web', `${ENTRY} 10.96.0.11:80`)]);
    const { revision } = await publish(ann, [spec('web', '10.96.0.11:80 10.96.0.12:80')]);
    const claims = [...(await everything(store)).values()].filter(({ key }) => key.startsWith('entry/'));
    expect(claims.map(({ key, modRevision }) => [key, modRevision === revision])).toEqual([
      ['entry/10.96.0.11:80/tcp', false],
      ['entry/10.96.0.12:80/tcp', true],
    ]);
    expect((await publish(bob, [spec('api', ENTRY)])).results[0]?.outcome).toBe('created');
  });

  it('moves an entry from one service to another of the same command, whichever comes first', async () => {
    const { store, ann } = world();
    await publish(ann, [spec('web', `${ENTRY} 10.96.0.11:80`)]);
    const report = await publish(ann, [spec('api', ENTRY), spec('web', '10.96.0.11:80')]);
    expect(report.error).toBeUndefined();
    expect(report.results.map(({ service }) => service)).toEqual(['web', 'api']);
    expect((await everything(store)).get(`entry/${ENTRY}`)?.value).toBe('{"service":"api"}');
  });
});

describe('consent', () => {
  it('is asked for all services before the first is written', async () => {
    const { store, ann } = world();
    const seen: (readonly string[])[] = [];
    const error = await failure(
      publish(ann, [spec('web', ENTRY), spec('api', '10.96.0.11:80')], {
        confirm: async (plans) => {
          seen.push(plans.map(({ service }) => service));
          expect((await everything(store)).size).toBe(0);
          throw new SluiceError('not-confirmed', 'declined');
        },
      }),
    );
    expect(error.code).toBe('not-confirmed');
    expect(seen).toEqual([['web', 'api']]);
    expect((await everything(store)).size).toBe(0);
  });
});

describe('an interrupt', () => {
  it('before the first write leaves nothing behind', async () => {
    const { store, ann } = world();
    const error = await failure(publish(ann, [spec('web', ENTRY)], { signal: AbortSignal.abort() }));
    expect(error.code).toBe('interrupted');
    expect((await everything(store)).size).toBe(0);
  });

  it('between two services says which one is written', async () => {
    const { store } = world();
    const stop = new AbortController();
    const raced = withOthers(store, async () => {
      stop.abort();
      await Promise.resolve();
    });
    const specs = [spec('web', ENTRY), spec('api', '10.96.0.11:80'), spec('old', '10.96.0.12:80')];
    const report = await publish(admin(raced), specs, { signal: stop.signal });
    expect(report.results.map(({ service }) => service)).toEqual(['web']);
    expect(report.notTried).toEqual(['old']);
    expect(report.error).toMatchObject({
      code: 'interrupted',
      details: { written: ['web'], notTried: ['old'] },
    });
  });
});
