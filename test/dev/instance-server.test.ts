import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { runInstanceServer, type InstanceServer } from '../../src/dev/instance-server.ts';

describe('the tiny instance', () => {
  let server: InstanceServer;
  beforeEach(async () => {
    server = await runInstanceServer({ name: 'one', host: '127.0.0.1', port: 0 });
  });
  afterEach(async () => {
    await server.close();
  });

  const get = async (path: string, headers: Readonly<Record<string, string>> = {}): Promise<string> => {
    const asked = request({ host: '127.0.0.1', port: server.port, path, headers, agent: false }).end();
    const [response] = await once(asked, 'response');
    return await text(response);
  };

  it('answers its name over HTTP', async () => {
    expect(await get('/')).toBe('one\n');
  });

  it('takes its time where it is told to, but not to say what it counted', async () => {
    const slow = await runInstanceServer({ name: 'slow', host: '127.0.0.1', port: 0, delayMs: 50 });
    onTestFinished(async () => await slow.close());
    const socket = connect(slow.port, '127.0.0.1').setEncoding('utf8');
    const begun = performance.now();
    socket.write('GET /stats HTTP/1.1\r\n\r\n');
    expect(String(await once(socket, 'data'))).toContain('"name":"slow"');
    socket.write('GET / HTTP/1.0\r\n\r\n');
    expect(await text(socket)).toContain('slow\n');
    expect(performance.now() - begun).toBeGreaterThanOrEqual(49);
  });

  it('ends the connection when asked to', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write('GET / HTTP/1.0\r\n\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n.*Connection: close\r\n\r\none\n$/s);
  });

  it('counts connections', async () => {
    await get('/');
    expect(JSON.parse(await get('/stats'))).toEqual({ name: 'one', accepted: 2, datagrams: 0, open: 1 });
  });

  it('gives raw bytes back with its name, as often as they come', async () => {
    const socket = connect(server.port, '127.0.0.1').setEncoding('utf8');
    for (const word of ['a', 'b']) {
      socket.write(word);
      expect(await once(socket, 'data')).toEqual([`one ${word}`]);
    }
    socket.destroy();
  });

  it('answers datagrams on the same port', async () => {
    const socket = createSocket('udp4');
    socket.send('x', server.port, '127.0.0.1');
    const [message] = await once(socket, 'message');
    expect(String(message)).toBe('one x');
    expect(server.stats().datagrams).toBe(1);
    await new Promise<void>((resolve) => {
      socket.close(resolve);
    });
  });

  it('says when the port is taken', async () => {
    const { port } = server;
    await expect(runInstanceServer({ name: 'two', host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });
});
