import { connect, type Socket } from 'node:net';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Role, ROLES } from '../../src/model/access.ts';
import { eventually } from '../contract/store-world.ts';
import { type ApiWorld, startApiWorld } from './world.ts';

/** Requests that are tried; 100,000 take some minutes. */
const FUZZ_RUNS = Number(process.env['API_FUZZ_RUNS'] ?? 3_000);

let world: ApiWorld;
beforeAll(async () => {
  const refusals = { burst: 20, perSecond: 1 };
  const requests = { burst: 1_000_000, perSecond: 1 };
  world = await startApiWorld({ limits: { refusals, requests }, anonymous: 'viewer' });
});
afterAll(async () => {
  await world.close();
});

const tokenOf = (role: Role): string | undefined => world.tokens.get(role);
const errorIn = (text: string): unknown => JSON.parse(text);

/** Sends bytes and gives what comes back until the server ends the connection. */
function sendRaw(bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(world.server.port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
  });
}

describe('a request that is wrong', () => {
  const POST = '/store/v1/transact';
  it.each([
    ['a body that is no JSON', POST, Buffer.from('{'), 400, 'body'],
    ['a body that is no UTF-8', POST, Buffer.from([0x22, 0xff, 0x22]), 400, 'body'],
    ['a body that is nested deep', POST, Buffer.from('['.repeat(50_000) + ']'.repeat(50_000)), 400, 'body'],
    ['a body that is a list', POST, [], 400, 'compares'],
    ['a body without its fields', POST, {}, 400, 'compares'],
    ['a field that is not known', POST, { compares: [], operations: [], x: 1 }, 400, 'x'],
    [
      'half of a character',
      POST,
      { compares: [], operations: [{ kind: 'put', key: 'a', value: '\ud800' }] },
      400,
      'operations.0.value',
    ],
    [
      'a huge number',
      POST,
      { compares: [{ kind: 'mod-revision', key: 'a', equals: 1e300 }], operations: [] },
      400,
      'compares.0.equals',
    ],
    [
      'a key with a newline',
      POST,
      { compares: [], operations: [{ kind: 'delete', key: 'a\nb' }] },
      400,
      'operations.0.key',
    ],
    ['a lease of no time', '/store/v1/lease/grant', { ttlSeconds: 0 }, 400, 'ttlSeconds'],
    ['a lease that is none', '/store/v1/lease/renew', { lease: '../1' }, 400, 'lease'],
  ] as const)('%s is refused with the field', async (_title, target, body, status, field) => {
    const answer = await world.ask({ target, body, token: tokenOf('admin') });
    expect(answer.status).toBe(status);
    expect(errorIn(answer.text)).toMatchObject({ kind: 'Error', code: 'invalid-spec', details: { field } });
  });

  it.each([
    ['/store/v1/get?key=%ff', 'key'],
    ['/store/v1/get?key=%', 'key'],
    ['/store/v1/get?key=a&key=b', 'key'],
    ['/store/v1/get?key=', 'key'],
    ['/store/v1/get?key=%00', 'key'],
    ['/store/v1/get?what=a', 'query'],
    [`/store/v1/get?key=${'a'.repeat(600)}`, 'key'],
    ['/store/v1/list?start=a', 'end'],
    ['/store/v1/watch?start=a&end=b&after=-1', 'after'],
    ['/store/v1/watch?start=a&end=b&after=99999999999999999999', 'after'],
    ['/store/v1/list?start=a&end=b&revision=1e3', 'revision'],
    ['/healthz?x=1', 'query'],
  ])('%s is refused with the field', async (target, field) => {
    const answer = await world.ask({ target, token: tokenOf('admin') });
    expect(answer.status).toBe(400);
    expect(errorIn(answer.text)).toMatchObject({ code: 'invalid-spec', details: { field } });
  });

  it.each([
    '//',
    '/store',
    '/store/v1/../v1/get?key=a',
    '/store/v1/%67et?key=a',
    '/store//v1/get?key=a',
    '/store/v1/get/?key=a',
    '/..%2f..%2fetc/passwd',
    '/metrics/../store/v1/transact',
    '//evil/store/v1/get',
    'http://evil/store/v1/get',
    '*',
  ])('%s is no route', async (target) => {
    const answer = await world.ask({ target, token: tokenOf('admin') });
    expect(answer.status).toBe(404);
    expect(errorIn(answer.text)).toMatchObject({ code: 'not-found' });
  });

  it('of another method, type or size is refused', async () => {
    const token = tokenOf('admin');
    const target = '/store/v1/transact';
    expect((await world.ask({ target, token })).status).toBe(405);
    expect((await world.ask({ target: '/healthz', method: 'DELETE', token })).status).toBe(405);
    const plain = { target, token, body: {}, headers: { 'content-type': 'text/plain' } };
    expect((await world.ask(plain)).status).toBe(415);
    const large = { compares: [], operations: [{ kind: 'put', key: 'a', value: 'x'.repeat(5_000_000) }] };
    expect((await world.ask({ target, token, body: large })).status).toBe(413);
    const head = `POST ${target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n`;
    const chunked = `${head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const megabyte = `100000\r\n${'x'.repeat(0x10_00_00)}\r\n`;
    expect(await sendRaw(`${chunked}${megabyte.repeat(5)}0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 413 /);
    const timeout = { target: '/store/v1/status', token, headers: { 'sluice-timeout-ms': 'soon' } };
    expect((await world.ask(timeout)).status).toBe(400);
  });

  it('that the parser refuses gets an answer in the usual form', async () => {
    const header = `GET /healthz HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`;
    expect(await sendRaw(header)).toMatch(/^HTTP\/1\.1 431 [^]*"kind":"Error"/);
    expect(await sendRaw('rubbish\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [^]*"kind":"Error"/);
    expect(await sendRaw(Buffer.from([0x16, 3, 1, 0, 200, 1, 0]))).toMatch(/^HTTP\/1\.1 400 /);
    const smuggled =
      'POST /store/v1/transact HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
    expect(await sendRaw(smuggled)).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('too much', () => {
  it('of wrong credentials is slowed, and good ones from the same address pass', async () => {
    const wrong = { target: '/store/v1/status', token: `sluice_${'0'.repeat(16)}_${'x'.repeat(43)}` };
    const statuses = await Promise.all(
      Array.from({ length: 60 }, async () => (await world.ask(wrong)).status),
    );
    expect(new Set(statuses)).toEqual(new Set([401, 429]));
    expect((await world.ask({ ...wrong, token: tokenOf('viewer') })).status).toBe(200);
  });

  it('of half-sent requests takes no place from good ones', async () => {
    const slow = await startApiWorld({ limits: { headersMs: 1_000, strangersOfAddress: 600 } });
    const opened = Array.from({ length: 500 }, () =>
      connect(slow.server.port, '127.0.0.1').on('error', () => undefined),
    );
    const closed = Promise.all(
      opened.map((socket: Socket) => new Promise((done) => socket.once('close', done))),
    );
    for (const socket of opened) socket.write('GET /store/v1/status HTTP/1.1\r\nHost: a\r\nX-Slow:');
    await eventually(() => expect(opened.every((socket) => !socket.connecting)).toBe(true));
    for (let round = 0; round < 20; round += 1) {
      const good = { target: '/store/v1/status', token: slow.tokens.get('viewer') };
      expect((await slow.ask(good)).status).toBe(200);
    }
    // Each is told so and let go when its time for headers is over.
    for (const socket of opened) socket.resume();
    await closed;
    expect(opened.every((socket) => socket.destroyed)).toBe(true);
    await slow.close();
  });
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
  const body = fc.oneof(
    fc.jsonValue(),
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
      ),
      fc.oneof(odd, fc.constant('true')),
    ),
    { maxLength: 4 },
  );
  const request = fc.record({
    path: fc.oneof(
      fc.constantFrom(...PATHS).map((path) => `/store/v1/${path}`),
      fc
        .tuple(fc.constantFrom(...REST_PATHS), fc.oneof(odd, fc.constantFrom('web', 'n1', '..')))
        .map(([path, name]) => path.replaceAll('{}', encodeURIComponent(name.replaceAll(/\p{Cs}/gu, '?')))),
      fc.webPath(),
    ),
    method: fc.constantFrom('GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE'),
    query,
    isEncoded: fc.boolean(),
    body,
    hasBody: fc.boolean(),
    role: fc.constantFrom(
      ...ROLES.filter((role) => role !== 'admin' && role !== 'operator'),
      'nobody' as const,
    ),
    headers: fc.dictionary(
      fc.constantFrom('accept', 'expect', 'sluice-timeout-ms', 'content-type', 'connection', 'last-event-id'),
      fc.stringMatching(/^[\x20-\x7e]{0,40}$/),
      { maxKeys: 2 },
    ),
  });

  it('end in no 5xx, no crash and no write that is not allowed', { timeout: 1_200_000 }, async () => {
    const secret = await world.backend.list({ start: 'access/', end: 'access0' });
    const seen = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(request, async ({ path, method, isEncoded, role, hasBody, headers, ...rest }) => {
        const encode = isEncoded
          ? encodeURIComponent
          : (text: string): string => text.replaceAll(/[^!-~]/g, '');
        const pairs = rest.query
          .map(([name, text]) => `${name}=${encode(text.replaceAll(/\p{Cs}/gu, '?'))}`)
          .join('&');
        const answer = await world.ask({
          target: `${path === '' ? '/' : path}?${pairs}`,
          method,
          token: role === 'nobody' ? undefined : tokenOf(role),
          headers,
          ...(hasBody ? { body: rest.body } : {}),
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
    const own = /^(access|audit|alive)\/|^(node|node-alive|applied|load)\/n1$/;
    expect(items.filter(({ key }) => !own.test(key))).toEqual([]);
    expect((await world.ask({ target: '/readyz' })).status).toBe(200);
  });
});
