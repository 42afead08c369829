import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SluiceError } from '../../src/errors.ts';
import { type Role, ROLES } from '../../src/model/access.ts';
import { encodeComputedWeights } from '../../src/model/computed-weights.ts';
import { encodeLoad } from '../../src/model/load.ts';
import { encodeLock } from '../../src/model/lock.ts';
import { encodeAudit } from '../../src/model/records-audit.ts';
import { encodeToken } from '../../src/model/records-access.ts';
import { encodeApplied, encodeHolder, encodeNode, encodeNodeAlive } from '../../src/model/records-node.ts';
import {
  encodeEntryClaim,
  encodeGeneration,
  encodeInstance,
  encodeService,
} from '../../src/model/records-service.ts';
import { revokeTokens } from '../../src/ops/tokens.ts';
import { prefixRange } from '../../src/store/keys.ts';
import { TOMBSTONE } from '../../src/store/resolve.ts';
import type { Compare, Operation, Store } from '../../src/store/store.ts';
import { eventually } from '../contract/store-world.ts';
import { admin } from '../ops/world.ts';
import { type ApiWorld, makeToken, startApiWorld } from './world.ts';
import { encodeAlive, encodeRegistration } from '../../src/model/records-registration.ts';
import { registrationOf } from '../registry/registration.ts';

const AT = '2026-01-02T03:04:05.000Z';
let world: ApiWorld;
beforeAll(async () => {
  world = await startApiWorld({ limits: { refusals: { burst: 1_000, perSecond: 1 } } });
});
afterAll(async () => {
  await world.close();
});

let id = 0;
/** An audit record's put, each with a name of its own. */
function audit(): Extract<Operation, { kind: 'put' }> {
  const requestId = `r-${(id += 1)}`;
  const value = encodeAudit({ at: AT, requestId, actor: 'mallory', host: 'pc', command: 'x', subject: 'x' });
  return { kind: 'put', key: `audit/${AT}-${requestId}`, value };
}

const facts = (name: string) => ({
  name,
  addresses: ['10.0.0.1'],
  networks: [],
  cpus: 1,
  memoryBytes: 1,
  version: '1',
  kernel: '6',
  dataplane: 'iptables',
  startedAt: AT,
});
const applied = (node: string) => ({
  node,
  revision: 1,
  rulesHash: '',
  entries: 0,
  instances: 0,
  appliedAt: AT,
  failures: [],
});
const instance = (origin: 'static' | 'managed' | 'registered', node?: string) => ({
  service: 'web',
  id: origin === 'static' ? '10.0.1.1:80' : 'i-1',
  ip: '10.0.1.1',
  port: 80,
  weight: 1,
  origin,
  state: 'ready' as const,
  createdAt: AT,
  ...(node === undefined ? {} : { node }),
});
const loadOf = (node: string): string =>
  encodeLoad({ node, at: 1, cores: 1, instances: {}, newConnections: {} });
const LOCK = encodeLock({ scope: 'x', actor: 'ann', host: 'pc', pid: 1, command: 'sluice', since: AT });
const WEIGHTS = encodeComputedWeights({
  service: 'web',
  weights: new Map([['i-1', { weight: 64, base: 1 }]]),
  why: 'first weights',
  at: AT,
});
const service = encodeService({
  name: 'web',
  entries: [{ ip: '10.96.0.10', port: 80, protocol: 'tcp' }],
  origin: 'static',
  masquerade: false,
  createdAt: AT,
});
const tokenRecord = encodeToken({
  id: '0123456789abcdef',
  role: 'admin',
  name: 'mallory',
  secretHash: 'a'.repeat(64),
  createdAt: AT,
});

/** A put of every kind of key, and who may do it. */
const PUTS: readonly (readonly [key: string, value: string, allowed: readonly Role[]])[] = [
  ['access/0123456789abcdef', tokenRecord, ['admin']],
  ['alive/WEB/i-1', encodeAlive({ server: 's' }), ['admin', 'operator', 'registry']],
  ['app/WEB/i-1', encodeRegistration(registrationOf()), ['admin', 'operator', 'registry']],
  ['applied/n1', encodeApplied(applied('n1')), ['admin', 'operator', 'node']],
  ['applied/n2', encodeApplied(applied('n2')), ['admin', 'operator']],
  ['assignment/n1/web/i-1', '{}', ['admin', 'operator']],
  ['current-load/n1', loadOf('n1'), ['admin', 'operator', 'node']],
  ['current-load/n2', loadOf('n2'), ['admin', 'operator']],
  ['decision/web/x', '{}', ['admin', 'operator']],
  ['entry/10.96.0.10:80/tcp', encodeEntryClaim({ service: 'web' }), ['admin', 'operator']],
  ['event/x', '{}', ['admin', 'operator']],
  ['generation', encodeGeneration({ at: AT, requestId: 'x' }), ['admin', 'operator']],
  ['holder/10.96.0.10', encodeHolder({ node: 'n1', since: AT }), ['admin', 'operator', 'node']],
  ['holder/10.96.0.11', encodeHolder({ node: 'n2', since: AT }), ['admin', 'operator']],
  ['instance/web/10.0.1.1:80', encodeInstance(instance('static')), ['admin', 'operator']],
  ['instance/web/i-1', encodeInstance(instance('registered')), ['admin', 'operator', 'registry']],
  // Its own by name, but nobody assigned it.
  ['instance/web/i-1', encodeInstance(instance('managed', 'n1')), ['admin', 'operator']],
  ['leader', '{}', ['admin', 'operator']],
  ['lock/x', LOCK, ['admin', 'operator']],
  ['node/n1', encodeNode(facts('n1')), ['admin', 'operator', 'node']],
  ['node/n2', encodeNode(facts('n2')), ['admin', 'operator']],
  ['node-alive/n1', encodeNodeAlive({ name: 'n1', since: AT }), ['admin', 'operator', 'node']],
  ['node-alive/n2', encodeNodeAlive({ name: 'n2', since: AT }), ['admin', 'operator']],
  ['service/web', service, ['admin', 'operator']],
  ['weights/web', WEIGHTS, ['admin', 'operator']],
];

const everything = async (): Promise<string> =>
  JSON.stringify((await world.backend.list({ start: '', end: '~' })).items);

/** Does one operation with what the rules ask for: compares, and an audit record for roles that write them. */
async function attempt(store: Store, operation: Operation, compares: readonly Compare[]): Promise<string> {
  const record = audit();
  const asks = await store
    .transact({
      requestKey: record.key,
      compares,
      operations: [operation, record],
    })
    .then(
      ({ kind }) => kind,
      (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : 'bug'),
    );
  if (asks !== 'permission') return asks;
  return store.transact({ compares, operations: [operation] }).then(
    ({ kind }) => kind,
    (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : 'bug'),
  );
}

const absent = (key: string): readonly Compare[] => [{ kind: 'create-revision', key, equals: 0 }];
const present = async (key: string): Promise<readonly Compare[]> => {
  const { item } = await world.backend.get(key);
  return [{ kind: 'mod-revision', key, equals: item?.modRevision ?? 0 }];
};
const codeOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'done',
    (error: unknown) => (error instanceof SluiceError ? error.code : error),
  );

describe('what each role may write', () => {
  const CASES = ROLES.flatMap((role) => PUTS.map(([key, value, allowed]) => ({ role, key, value, allowed })));

  it.each(CASES.filter(({ role, allowed }) => allowed.includes(role)))(
    '$role may: $key',
    async ({ role, key, value }) => {
      const store = world.store(role);
      expect(await attempt(store, { kind: 'put', key, value }, absent(key))).toBe('done');
      expect(await attempt(store, { kind: 'delete', key }, await present(key))).toBe('done');
      await store.close();
    },
  );

  it.each(CASES.filter(({ role, allowed }) => !allowed.includes(role)))(
    '$role may not: $key',
    async ({ role, key, value }) => {
      const store = world.store(role);
      const before = await everything();
      expect(await attempt(store, { kind: 'put', key, value }, absent(key))).toBe('permission');
      expect(await everything()).toBe(before);
      await world.backend.transact({ compares: [], operations: [{ kind: 'put', key, value }] });
      // An instance of its own a node may give up, however it came to be there.
      const isOwn = role === 'node' && key.startsWith('instance/') && value.includes('"n1"');
      const deleted = await attempt(store, { kind: 'delete', key }, await present(key));
      expect(deleted).toBe(isOwn ? 'done' : 'permission');
      await world.backend.transact({ compares: [], operations: [{ kind: 'delete', key }] });
      await store.close();
    },
  );

  it.each(ROLES)('%s: a whole range', async (role) => {
    const store = world.store(role);
    const isAllowed = role === 'admin' || role === 'operator';
    const range = prefixRange('instance/web/');
    const result = await attempt(store, { kind: 'delete-range', range }, []);
    expect(result).toBe(isAllowed ? 'done' : 'permission');
    for (const start of ['audit/', 'access/', 'node/']) {
      const all = { kind: 'delete-range', range: { start, end: '~' } } as const;
      await expect(store.transact({ compares: [], operations: [all] })).rejects.toMatchObject({
        code: 'permission',
      });
    }
  });

  it.each(ROLES)('%s: leases', async (role) => {
    const store = world.store(role);
    const mine = await store.leaseCalls.grant(5).catch(() => undefined);
    expect(mine === undefined).toBe(role === 'viewer');
    expect(await codeOf(store.leaseCalls.renew(mine?.id ?? '1'))).toBe(
      role === 'viewer' ? 'permission' : 'done',
    );
    const other = await world.backend.leaseCalls.grant(60);
    const value = encodeNodeAlive({ name: 'n2', since: AT });
    const operations = [{ kind: 'put', key: 'node-alive/n2', value, lease: other.id }] as const;
    await world.backend.transact({ compares: [], operations });
    const expected = role === 'admin' || role === 'operator' ? 'done' : 'permission';
    await eventually(async () => expect((await store.get('node-alive/n2')).item?.lease).toBe(other.id));
    expect(await codeOf(store.leaseCalls.renew(other.id))).toBe(expected);
    expect(await codeOf(store.leaseCalls.revoke(other.id))).toBe(expected);
    await world.backend.leaseCalls.revoke(other.id);
    await store.close();
  });
});

describe('what each role may read', () => {
  const READS = [
    ['/healthz', 'all'],
    ['/readyz', 'all'],
    ['/metrics', 'known'],
    ['/store/v1/status', 'known'],
    ['/store/v1/get?key=service/web', 'known'],
    ['/store/v1/get?key=access/0123456789abcdef', 'admin'],
    ['/store/v1/count?start=service/&end=service0', 'known'],
    ['/store/v1/count?start=&end=~', 'admin'],
    ['/store/v1/list?start=generation&end=weights0', 'known'],
    ['/store/v1/list?start=access/&end=access0&consistent', 'admin'],
    ['/store/v1/list?start=acc&end=acd', 'admin'],
    ['/store/v1/watch?start=generation&end=weights0&after=0', 'known'],
    ['/store/v1/watch?start=a&end=b&after=0', 'admin'],
  ] as const;
  it.each(READS)('%s: %s', async (target, who) => {
    for (const role of ROLES) {
      const { status } = await world.ask({ target, token: world.tokens.get(role) });
      expect([role, status]).toEqual([role, who !== 'admin' || role === 'admin' ? 200 : 403]);
    }
    const wrong = `${world.tokens.get('admin')?.slice(0, -43) ?? ''}${'x'.repeat(43)}`;
    const expired = await makeToken(world.backend, 'admin', { expiresInMs: 0 });
    for (const token of [undefined, wrong, expired]) {
      expect((await world.ask({ target, token })).status).toBe(who === 'all' ? 200 : 401);
    }
  });
});

const put = (key: string, value: string): Operation => ({ kind: 'put', key, value });

describe('audit', () => {
  it('says who it was, whoever the writer says he is', async () => {
    const record = audit();
    const transaction = {
      requestKey: record.key,
      compares: [],
      operations: [put('service/web', service), record],
    };
    const store = world.store('operator');
    const first = await store.transact(transaction);
    const { item } = await store.get(record.key);
    expect(JSON.parse(item?.value ?? '')).toMatchObject({
      actor: 'operator',
      login: 'mallory',
      via: expect.stringMatching(/^token [0-9a-f]{16}$/),
    });
    // The same request once more is known by what its writer wrote.
    expect(await store.transact(transaction)).toEqual(first);
    await store.close();
  });

  it('cannot be left out, overwritten or deleted', async () => {
    const store = world.store('admin');
    await expect(
      store.transact({ compares: [], operations: [put('service/web', service)] }),
    ).rejects.toMatchObject({ code: 'invalid-spec', details: { field: 'operations' } });
    const record = audit();
    await store.transact({ requestKey: record.key, compares: [], operations: [record] });
    const { item } = await store.get(record.key);
    const equals = item?.modRevision ?? 0;
    const same: Compare = { kind: 'mod-revision', key: record.key, equals };
    for (const operation of [put(record.key, record.value), put(record.key, TOMBSTONE)]) {
      await expect(store.transact({ compares: [same], operations: [operation] })).rejects.toMatchObject({
        code: 'permission',
      });
      await expect(store.transact({ compares: [], operations: [operation] })).rejects.toMatchObject({
        code: 'permission',
      });
    }
    const deletion = { kind: 'delete', key: record.key } as const;
    await expect(store.transact({ compares: [same], operations: [deletion] })).rejects.toMatchObject({
      code: 'permission',
    });
    expect((await store.get(record.key)).item).toEqual(item);
    await store.close();
  });
});

describe('what cannot be stored', () => {
  it.each([
    ['service/web', '{}', 'entries'],
    ['service/Web', service, ''],
    ['node/n1', '{"addresses":["300.1.1.1"]}', 'addresses.0'],
    ['instance/web/10.0.1.1:80', encodeInstance({ ...instance('static'), weight: -1 }), 'weight'],
    ['generation', 'nothing', ''],
    ['../../etc/passwd', '{}', 'key'],
    ['services/web', '{}', 'key'],
    ['current-load/n1', '{}', 'node'],
    ['event/x/y', '{}', 'key'],
    ['weights/web', '{}', 'weights'],
    ['event/', '{}', 'key'],
  ])('%s = %s names the field', async (key, value, field) => {
    const store = world.store('admin');
    const record = audit();
    await expect(
      store.transact({
        compares: [],
        operations: [{ kind: 'put', key, value }, record],
        requestKey: record.key,
      }),
    ).rejects.toMatchObject({ code: 'invalid-spec', details: { field, written: false } });
    await store.close();
  });

  it('are facts of a node that lift its cordon', async () => {
    const store = world.store('node');
    const key = 'node/n1';
    const cordoned = encodeNode(facts('n1'), { cordoned: true });
    await world.backend.transact({ compares: [], operations: [{ kind: 'put', key, value: cordoned }] });
    const equals = (await store.get(key)).item?.modRevision ?? 0;
    const putAt = (value: string, at: number) =>
      store.transact({
        compares: [{ kind: 'mod-revision', key, equals: at }],
        operations: [{ kind: 'put', key, value }],
      });
    await expect(putAt(encodeNode(facts('n1')), equals)).rejects.toMatchObject({ code: 'permission' });
    expect((await putAt(cordoned, equals - 1)).kind).toBe('conflict');
    expect((await putAt(cordoned, equals)).kind).toBe('done');
    await store.close();
  });
});

describe('a revoked token', () => {
  it('ends watches and is refused', async () => {
    const text = await makeToken(world.backend, 'viewer', { name: 'short' });
    const before = { target: '/store/v1/status', token: text };
    await eventually(async () => expect((await world.ask(before)).status).toBe(200));
    const { revision } = await world.backend.get('x');
    const watch = await fetch(`${world.url}/store/v1/watch?start=s&end=t&after=${revision}`, {
      headers: { authorization: `Bearer ${text}` },
    });
    await revokeTokens(admin(world.backend), [text.slice(7, 23)], { reason: undefined, dryRun: false });
    const lines = (await watch.text()).trim().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ type: 'end', kind: 'lost' });
    expect((await world.ask(before)).status).toBe(401);
  });
});
