import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { knock } from '../../src/host/knock.ts';

/** A port of this machine on which something listens, and how to end that. */
async function listening(): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const server = createServer((socket) => socket.on('error', () => undefined));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: async () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

describe('knocking at a machine', () => {
  it('is answered by what listens, and as well by the kernel where nothing does', async () => {
    const { port, close } = await listening();
    expect(await knock({ ip: '127.0.0.1', port }, 5_000)).toBe('answered');
    await close();
    expect(await knock({ ip: '127.0.0.1', port }, 5_000)).toBe('answered');
  });

  it('is not sent where this machine itself cannot, which says nothing of the other', async () => {
    // Broadcast: refused by our own kernel.
    expect(await knock({ ip: '255.255.255.255', port: 9 }, 5_000)).toBe('unsent');
  });
});
