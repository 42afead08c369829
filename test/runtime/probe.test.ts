import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { userInfo } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import type { Probe } from '../../src/model/template.ts';
import { systemClock } from '../../src/host/clock.ts';
import { openConnections } from '../../src/runtime/connections.ts';
import { openAcceptQueues } from '../../src/runtime/probe/accept-queues.ts';
import { type ProbeBounds, probe } from '../../src/runtime/probe/probe.ts';

const TIMING = { intervalSeconds: 1, timeoutSeconds: 1, successes: 1, failures: 1, startSeconds: 1 };
const queues = openAcceptQueues(systemClock);
const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const found = server.address();
  return typeof found === 'object' ? (found?.port ?? 0) : 0;
}

const ask = (asked: Probe, port: number, bounds: Partial<ProbeBounds> = {}): ReturnType<typeof probe> =>
  probe(
    asked,
    { ip: '127.0.0.1', port },
    { timeoutMs: 5_000, signal: new AbortController().signal, queues, ...bounds },
  );
const tcp = (more: object = {}): Probe => ({ kind: 'tcp', ...TIMING, ...more });
const http = (more: object = {}): Probe => ({
  kind: 'http',
  path: '/health',
  status: { from: 200, to: 399 },
  ...TIMING,
  ...more,
});
const web = (listener: RequestListener): Promise<number> => listen(createHttp(listener));

describe('any probe', () => {
  it('does not count time in which nobody could listen: what was answered meanwhile is an answer', async () => {
    const port = await web((_, response) => response.end('fine'));
    for (const question of [http(), tcp({ send: 'x', expect: 'HTTP' })]) {
      const asked = ask(question, port, { timeoutMs: 200 });
      await new Promise((resolve) => void setImmediate(resolve));
      const until = performance.now() + 500;
      while (performance.now() < until);
      expect(await asked).toEqual({ well: true });
    }
  });
});

describe('the tcp probe', () => {
  it('is content with a connection where nothing more is asked', async () => {
    const port = await listen(createServer());
    expect(await ask(tcp(), port)).toEqual({ well: true });
  });

  it('wants an answer where it sends or expects something', async () => {
    const echo = await listen(
      createServer((socket) => socket.on('data', (data) => socket.write(`got ${data.toString()}`))),
    );
    expect(await ask(tcp({ send: 'ping' }), echo)).toEqual({ well: true });
    expect(await ask(tcp({ send: 'ping', expect: 'got ping' }), echo)).toEqual({ well: true });
    expect(await ask(tcp({ send: 'ping', expect: 'pong' }), echo, { timeoutMs: 200 })).toEqual({
      well: false,
      why: 'no answer within 200 ms but "got ping"',
    });
    const mute = await listen(createServer());
    expect(await ask(tcp({ send: 'ping' }), mute, { timeoutMs: 200 })).toEqual({
      well: false,
      why: 'no answer within 200 ms',
    });
    const rude = await listen(createServer((socket) => socket.end()));
    expect(await ask(tcp({ expect: 'x' }), rude)).toEqual({ well: false, why: 'closed without an answer' });
  });

  it('says that nobody listens, and ends when it is told to', async () => {
    const port = await listen(createServer());
    closers.splice(0).forEach((close) => close());
    expect(await ask(tcp(), port)).toMatchObject({
      well: false,
      why: expect.stringContaining('ECONNREFUSED') as unknown,
    });
    const mute = await listen(createServer());
    expect(await ask(tcp({ send: 'x' }), mute, { signal: AbortSignal.abort() })).toMatchObject({
      why: 'stopped',
    });
  });
});

describe('the http probe', () => {
  it('judges the status, and asks path and host as told, on a new connection each time', async () => {
    const seen: (string | undefined)[] = [];
    const port = await web((request, response) => {
      seen.push(request.url, request.headers.host, request.headers.connection);
      response.statusCode = request.url === '/bad' ? 503 : 204;
      response.end();
    });
    expect(await ask(http({ host: 'shop.example' }), port)).toEqual({ well: true });
    expect(seen).toEqual(['/health', 'shop.example', 'close']);
    expect(await ask(http({ path: '/bad' }), port)).toEqual({ well: false, why: 'status 503' });
    expect(await ask(http({ path: '/bad', status: { from: 500, to: 599 } }), port)).toEqual({ well: true });
  });

  it('wants the whole answer, but reads no endless one', async () => {
    const endless = await web((_, response) => {
      const write = (): void => {
        while (!response.destroyed && response.write('x'.repeat(10_000)));
      };
      response.on('drain', write);
      write();
    });
    expect(await ask(http(), endless)).toEqual({ well: true });
    const half = await web((_, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('x');
    });
    expect(await ask(http(), half, { timeoutMs: 200 })).toMatchObject({
      well: false,
      why: 'no answer within 200 ms',
    });
    const broken = await listen(createServer((socket) => socket.end('nonsense\r\n\r\n')));
    expect(await ask(http(), broken)).toMatchObject({ well: false });
  });
});

describe('the exec probe', () => {
  const own = userInfo();
  const run = (script: string, timeoutMs = 10_000): ReturnType<typeof probe> =>
    ask({ kind: 'exec', command: [], ...TIMING }, 1, {
      timeoutMs,
      launch: {
        command: ['/bin/sh', '-c', script],
        env: { PATH: '/usr/bin:/bin' },
        workingDirectory: '/',
        user: { name: own.username, uid: own.uid, gid: own.gid },
        files: undefined,
        cgroups: [],
      },
    });

  it('is well by exit code 0, and else says what was printed, cut', async () => {
    expect(await run('exit 0')).toEqual({ well: true });
    expect(await run('echo no database >&2; exit 2')).toEqual({
      well: false,
      why: 'exit code 2: no database',
    });
    const loud = await run('head -c 100000 /dev/zero | tr "\\0" x; exit 1');
    expect(loud.well ? 0 : loud.why.length).toBeLessThanOrEqual(300);
  });

  it('ends with its time, with all that it started', async () => {
    expect(await run('sleep 1000 & sleep 1000', 300)).toEqual({ well: false, why: 'no end within 300 ms' });
  });

  it('is not held up by what it leaves running', async () => {
    expect(await run('sleep 5 & exit 0')).toEqual({ well: true });
  });
});

const at = (port: number): { ip: string; port: number } => ({ ip: '127.0.0.1', port });

describe('connections', () => {
  it('are counted by the port of the instance, and reset', async () => {
    const port = await listen(createServer());
    const client = createServer();
    const other = await listen(client);
    const { connect } = await import('node:net');
    const sockets = [port, port, other].map((to) => connect(to, '127.0.0.1'));
    const ends = sockets.map((socket) => new Promise((resolve) => void socket.on('error', resolve)));
    await Promise.all(
      sockets.map((socket) => new Promise((resolve) => void socket.once('connect', resolve))),
    );
    const connections = openConnections();
    expect(await connections.count([at(port), at(1), at(other)])).toEqual([2, 0, 1]);
    await connections.reset(at(port));
    expect(await connections.count([at(port), at(other)])).toEqual([0, 1]);
    await Promise.all(ends.slice(0, 2));
    sockets[2]?.destroy();
    expect(await connections.count([])).toEqual([]);
  });
});
