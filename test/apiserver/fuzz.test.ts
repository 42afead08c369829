import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROLES } from '../../src/model/access.ts';
import { type ApiWorld, startTouchyWorld } from './world.ts';

/** Requests that are tried; 100,000 take some minutes. */
const FUZZ_RUNS = Number(process.env['API_FUZZ_RUNS'] ?? 3_000);

let world: ApiWorld;
beforeAll(async () => {
  world = await startTouchyWorld();
});
afterAll(async () => {
  await world.close();
});

describe(`${FUZZ_RUNS} odd requests`, () => {
  const PATHS = [
    'list',
    'get',
    'count',
    'watch',
    'transact',
    'lease/grant',
    'lease/renew',
    'lease/revoke',
    'status',
  ];
  const EUREKA_PATHS = [
    '/apps',
    '/apps/delta',
    '/apps/{}',
    '/apps/{}/',
    '/apps/{}/{}',
    '/apps/{}/{}/status',
    '/apps/{}/{}/metadata',
    '/instances/{}',
    '/vips/{}',
    '/svips/{}',
    '/status',
    '/serverinfo/statusoverrides',
    '/asg/{}/status',
    '/peerreplication/batch/',
  ];
  const REST_PATHS = [
    '/',
    '/v1/services',
    '/v1/services/{}',
    '/v1/services/{}/scale',
    '/v1/services/{}/instances',
    '/v1/services/{}/instances/{}',
    '/v1/services/{}/instances/{}/drain',
    '/v1/instances',
    '/v1/nodes/{}',
    '/v1/nodes/{}/cordon',
    '/v1/nodes/{}/drain',
    '/v1/status',
    '/v1/watch',
    '/v1/openapi.json',
  ];
  const odd = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.constantFrom(
      '',
      '~',
      '\0',
      'service/web',
      'access/',
      'node/n1',
      '1e99',
      '-1',
      '{}',
      'null',
      '9'.repeat(400),
    ),
  );
  const value = fc.oneof(
    odd,
    fc.integer(),
    fc.double(),
    fc.constant(null),
    fc.boolean(),
    fc.jsonValue({ maxDepth: 3 }),
  );
  const operation = fc.oneof(
    fc.record({
      kind: fc.constantFrom('put', 'delete', 'delete-range', 'x'),
      key: value,
      value,
      lease: value,
    }),
    fc.record({ kind: fc.constant('put'), key: odd, value: odd }),
    fc.record({ kind: fc.constant('delete-range'), range: fc.record({ start: odd, end: odd }) }),
  );
  /** Registrations that are all right but for a field or two. */
  const instance = fc.record(
    {
      instanceId: fc.oneof(odd, fc.constant('i-1')),
      app: fc.oneof(value, fc.constant('{role}')),
      hostName: fc.oneof(value, fc.constant('n1')),
      ipAddr: fc.oneof(value, fc.constantFrom('10.0.0.1', '127.0.0.1', '::1')),
      port: fc.oneof(value, fc.record({ $: value, '@enabled': value })),
      status: value,
      metadata: value,
      leaseInfo: fc.oneof(value, fc.record({ renewalIntervalInSecs: value, durationInSecs: value })),
      lastDirtyTimestamp: value,
      asgName: odd,
      dataCenterInfo: fc.oneof(value, fc.constant({ name: 'MyOwn' })),
    },
    { requiredKeys: ['dataCenterInfo', 'ipAddr', 'hostName'] },
  );
  const replicated = fc.record(
    {
      appName: fc.oneof(odd, fc.constant('{role}')),
      id: fc.oneof(odd, fc.constant('i-1')),
      action: fc.constantFrom('Register', 'Heartbeat', 'Cancel', 'StatusUpdate', 'DeleteStatusOverride', 'x'),
      status: fc.oneof(value, fc.constantFrom('UP', 'DOWN')),
      lastDirtyTimestamp: value,
      instanceInfo: fc.oneof(value, instance),
    },
    { requiredKeys: [] },
  );
  const body = fc.oneof(
    fc.jsonValue(),
    fc.record({ instance }),
    fc.record({ replicationList: fc.oneof(value, fc.array(replicated, { maxLength: 5 })) }),
    fc
      .tuple(instance, odd)
      .map(([one, text]) =>
        Buffer.from(`<instance><app>{role}</app>${text}${JSON.stringify(one)}</instance>`),
      ),
    fc.record({
      compares: fc.array(
        fc.record({ kind: fc.constantFrom('mod-revision', 'range-unchanged'), key: odd, equals: value }),
      ),
      operations: fc.array(operation),
    }),
    fc.record({ ttlSeconds: value, lease: value }),
    fc.record({ replicas: value, by: value, deadlineSeconds: value }, { requiredKeys: [] }),
    fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
  );
  const query = fc.array(
    fc.tuple(
      fc.constantFrom(
        'start',
        'end',
        'key',
        'after',
        'revision',
        'consistent',
        'dryRun',
        'ifRevision',
        'yes',
        'x',
        'value',
        'lastDirtyTimestamp',
      ),
      fc.oneof(odd, fc.constantFrom('true', 'UP', 'OUT_OF_SERVICE', 'DISABLED')),
    ),
    { maxLength: 4 },
  );
  const role = fc.constantFrom(
    ...ROLES.filter((one) => one !== 'admin' && one !== 'operator'),
    'nobody' as const,
  );
  const anything = fc.record({
    path: fc.oneof(
      fc.constantFrom(...PATHS).map((path) => `/store/v1/${path}`),
      fc
        .tuple(fc.constantFrom(...REST_PATHS), fc.oneof(odd, fc.constantFrom('web', 'n1', '..')))
        .map(([path, name]) => path.replaceAll('{}', encodeURIComponent(name.replaceAll(/\p{Cs}/gu, '?')))),
      fc
        .tuple(
          fc.constantFrom('/eureka', '/eureka/v2'),
          fc.constantFrom(...EUREKA_PATHS),
          fc.oneof(odd, fc.constantFrom('i-1', '{role}')),
          fc.boolean(),
        )
        .map(([base, path, name, isOwn]) => {
          const plain = isOwn ? path.replace('{}', '{role}') : path;
          return base + plain.replaceAll('{}', encodeURIComponent(name.replaceAll(/\p{Cs}/gu, '?')));
        }),
      fc.webPath(),
    ),
    method: fc.constantFrom('GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE'),
    query,
    isEncoded: fc.boolean(),
    body,
    hasBody: fc.boolean(),
    role,
    headers: fc.dictionary(
      fc.constantFrom('accept', 'expect', 'sluice-timeout-ms', 'content-type', 'connection', 'last-event-id'),
      fc.stringMatching(/^[\x20-\x7e]{0,40}$/),
      { maxKeys: 2 },
    ),
  });
  /** What gets far: a registration with some of its fields odd. */
  const registering = fc.record({
    path: fc.constant('/eureka/apps/{role}'),
    method: fc.constant('POST' as const),
    query: fc.constant([]),
    isEncoded: fc.constant(true),
    body: fc.tuple(instance, fc.stringMatching(/^[!-~]{1,20}$/)).map(([{ port, status, metadata }, id]) => ({
      instance: {
        instanceId: id,
        app: '{role}',
        hostName: 'n1',
        ipAddr: '10.0.0.1',
        dataCenterInfo: { name: 'MyOwn' },
        port,
        status,
        metadata,
      },
    })),
    hasBody: fc.constant(true),
    role,
    headers: fc.constant({}),
  });
  const request = fc.oneof({ arbitrary: anything, weight: 19 }, { arbitrary: registering, weight: 1 });

  it('end in no 5xx, no crash and no write that is not allowed', { timeout: 1_200_000 }, async () => {
    const secret = await world.backend.list({ start: 'access/', end: 'access0' });
    const seen = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(request, async ({ path, method, isEncoded, role: by, hasBody, headers, ...rest }) => {
        const encode = isEncoded
          ? encodeURIComponent
          : (text: string): string => text.replaceAll(/[^!-~]/g, '');
        const pairs = rest.query
          .map(([name, text]) => `${name}=${encode(text.replaceAll(/\p{Cs}/gu, '?'))}`)
          .join('&');
        // Who writes into the registry does it under the name of his role.
        const named = (sent: unknown): unknown =>
          JSON.parse(JSON.stringify(sent).replaceAll('{role}', by.toUpperCase()));
        const own = Buffer.isBuffer(rest.body) ? rest.body : named(rest.body);
        const whole = path.replaceAll(/\{role\}|%7Brole%7D/g, by);
        const answer = await world.ask({
          target: `${whole === '' ? '/' : whole}?${pairs}`,
          method,
          token: by === 'nobody' ? undefined : world.tokens.get(by),
          headers,
          ...(hasBody ? { body: own } : {}),
        });
        seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
        expect(answer.status).toBeLessThan(500);
        expect(answer.status).toBeGreaterThanOrEqual(200);
      }),
      { numRuns: FUZZ_RUNS, seed: 20_260_102 },
    );
    expect([...seen.keys()]).toEqual(expect.arrayContaining([200, 400, 403, 404, 405]));
    expect((await world.backend.list({ start: 'access/', end: 'access0' })).items).toEqual(secret.items);
    const { items } = await world.backend.list({ start: '', end: '~' });
    const own = /^(access|audit|alive)\/|^(node|node-alive|applied|load)\/n1$|^app\/REGISTRY\//;
    expect(items.filter(({ key }) => !own.test(key))).toEqual([]);
    expect(items.some(({ key }) => key.startsWith('app/REGISTRY/'))).toBe(true);
    expect((await world.ask({ target: '/readyz' })).status).toBe(200);
  });
});
