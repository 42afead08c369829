import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Role } from '../../src/model/access.ts';
import { eventually } from '../contract/store-world.ts';
import { type ApiWorld, startApiWorld, startTouchyWorld } from './world.ts';

let world: ApiWorld;
beforeAll(async () => {
  world = await startTouchyWorld();
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
