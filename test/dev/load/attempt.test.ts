import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { runInstanceServer } from '../../../src/dev/instance-server.ts';
import { attempt, type Answer } from '../../../src/dev/load/attempt.ts';
import { waitUntil } from '../../../src/host/wait.ts';

const ask = async (port: number, timeoutMs = 5000): Promise<Answer> =>
  await new Promise((resolve) => {
    attempt({ host: '127.0.0.1', port, timeoutMs }, resolve);
  });

describe('an attempt', () => {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    await Promise.all(ends.splice(0).map(async (end) => await end()));
  });

  /** A server that does something with each connection. */
  const serve = async (onConnection: Parameters<typeof createServer>[1]): Promise<number> => {
    const server: Server = createServer({}, onConnection);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ends.push(async () => {
      await new Promise((resolve) => server.close(resolve));
    });
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  };

  it('tells who answered, and leaves no connection', async () => {
    const server = await runInstanceServer({ name: 'one', host: '127.0.0.1', port: 0 });
    ends.push(server.close);
    expect(await ask(server.port)).toEqual({ name: 'one' });
    await waitUntil(() => server.stats().open === 0, { what: 'no open connection', timeoutMs: 5000 });
    expect(server.stats()).toMatchObject({ accepted: 1, open: 0 });
  });

  it('puts an answer together that comes in pieces', async () => {
    const port = await serve((socket) => {
      socket.on('error', () => undefined);
      socket.write('HTTP/1.1 200 OK\r\ncontent-le');
      setImmediate(() => socket.write('ngth: 4\r\n\r\nt'));
      setTimeout(() => socket.write('wo\n'), 5);
    });
    expect(await ask(port)).toEqual({ name: 'two' });
  });

  it('is refused where nobody listens', async () => {
    const server = await runInstanceServer({ name: 'gone', host: '127.0.0.1', port: 0 });
    await server.close();
    expect(await ask(server.port)).toEqual({ code: 'ECONNREFUSED' });
  });

  it('is reset', async () => {
    const port = await serve((socket) => socket.once('data', () => socket.resetAndDestroy()));
    expect(await ask(port)).toEqual({ code: 'ECONNRESET' });
  });

  it('counts as reset when it is closed without an answer', async () => {
    const port = await serve((socket) => socket.once('data', () => socket.end()));
    expect(await ask(port)).toEqual({ code: 'ECONNRESET' });
  });

  it('times out where nobody answers', async () => {
    const port = await serve((socket) => socket.on('error', () => undefined).resume());
    expect(await ask(port, 50)).toEqual({ code: 'ETIMEDOUT' });
  });
});
