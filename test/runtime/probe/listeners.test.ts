import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { addListeners, readListeners } from '../../../src/runtime/probe/listeners.ts';

const LISTENER = (port: string, waiting: string): string =>
  `   0: 0100007F:${port} 00000000:0000 0A 00000000:${waiting} 00:00000000 00000000  0 0 1 1 0 100 0 0 10 0`;
const CONNECTION = '   2: 0100007F:1F90 0100007F:9C53 01 00000000:00000005 03:00001582 00000000 0 0 0 3 0';

describe('a table of listeners', () => {
  it('has the queues of each address added up, up to the first connection', () => {
    const found = new Map<string, number>();
    const lines = [LISTENER('1F90', '00000002'), LISTENER('1F90', '0000000A'), LISTENER('0050', '00000000')];
    expect(addListeners(lines, found)).toBe(true);
    expect(addListeners([CONNECTION, LISTENER('0051', '00000001')], found)).toBe(false);
    expect([...found]).toEqual([
      ['0100007F:1F90', 12],
      ['0100007F:0050', 0],
    ]);
  });
});

describe('the listeners of this machine', () => {
  const servers: Server[] = [];
  afterEach(() => servers.splice(0).forEach((server) => server.close()));
  const listen = async (host: string): Promise<number> => {
    const server = createServer();
    servers.push(server);
    await new Promise<void>((resolve) => void server.listen(0, host, resolve));
    const found = server.address();
    return typeof found === 'object' ? (found?.port ?? 0) : 0;
  };

  it.each([
    ['127.0.0.1', '127.0.0.1', 0],
    ['0.0.0.0', '127.0.0.1', 0],
    ['::', '127.0.0.1', 0],
    ['::', '::1', 0],
    ['::1', '::1', 0],
    ['::ffff:127.0.0.1', '127.0.0.1', 0],
    ['127.0.0.2', '127.0.0.1', undefined],
    ['::1', '127.0.0.1', undefined],
    ['0.0.0.0', '::1', undefined],
  ])('one at %s is there for connections to %s: %s', async (host, ip, waiting) => {
    const port = await listen(host);
    expect(readListeners()({ ip, port })).toBe(waiting);
  });

  it('are looked up in what one look has seen', async () => {
    const look = readListeners();
    const port = await listen('127.0.0.1');
    expect(look({ ip: '127.0.0.1', port })).toBeUndefined();
  });
});
