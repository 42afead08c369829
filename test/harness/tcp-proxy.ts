/** Owns a TCP proxy on loopback that can pause, cut, refuse, and cut after a number of bytes. For tests of the store. */
import { createServer, connect, type Server, type Socket } from 'node:net';

/** Which way bytes go: `up` to the server, `down` to the client. */
export type Direction = 'up' | 'down';

/** A proxy in front of one server. */
export interface TcpProxy {
  readonly port: number;
  readonly connections: () => number;
  /** Bytes passed so far. */
  readonly passed: (direction: Direction) => number;
  /** Destroys all connections; new ones are accepted. */
  readonly cut: () => void;
  /** Destroys all connections and refuses new ones until `resume`. */
  readonly refuse: () => void;
  /** Keeps connections open and accepts new ones, but passes nothing in that direction (default: both) until `resume`. */
  readonly pause: (direction?: Direction) => void;
  /** Ends `refuse` and `pause`; what was held back is passed on. */
  readonly resume: () => void;
  /** Destroys all connections after `bytes` more have passed in that direction; once. */
  readonly cutAfter: (bytes: number, direction: Direction) => void;
  /** Bytes that are held back by `pause` now; `cut` throws them away. */
  readonly held: (direction: Direction) => number;
  readonly close: () => Promise<void>;
}

/** Starts a proxy to a port on 127.0.0.1 or to a unix socket, itself on a free port of 127.0.0.1. */
export async function startTcpProxy(target: number | string): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const held: { readonly to: Socket; readonly chunk: Buffer; readonly direction: Direction }[] = [];
  const paused = new Set<Direction>();
  const passed = { up: 0, down: 0 };
  let refusing = false;
  let trap: { readonly direction: Direction; left: number } | undefined;

  const cut = (): void => {
    held.length = 0;
    for (const pair of pairs) for (const socket of pair) socket.destroy();
    pairs.clear();
  };
  const pass = (chunk: Buffer, to: Socket, direction: Direction): void => {
    if (paused.has(direction)) {
      held.push({ to, chunk, direction });
      return;
    }
    passed[direction] += chunk.length;
    to.write(chunk);
    if (trap?.direction !== direction) return;
    trap.left -= chunk.length;
    if (trap.left > 0) return;
    trap = undefined;
    // After the write has left this process, so that the bytes arrive before the connection ends.
    setImmediate(cut);
  };
  const accept = (client: Socket): void => {
    if (refusing) return void client.destroy();
    const upstream = typeof target === 'number' ? connect(target, '127.0.0.1') : connect(target);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of pair) {
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
    client.on('data', (chunk: Buffer) => pass(chunk, upstream, 'up'));
    upstream.on('data', (chunk: Buffer) => pass(chunk, client, 'down'));
    return undefined;
  };
  const server = createServer(accept);
  const listenPort = await listen(server);
  return {
    port: listenPort,
    connections: () => pairs.size,
    passed: (direction) => passed[direction],
    cut,
    refuse: () => {
      refusing = true;
      cut();
    },
    pause: (direction) => {
      for (const each of direction === undefined ? (['up', 'down'] as const) : [direction]) paused.add(each);
    },
    resume: () => {
      refusing = false;
      paused.clear();
      for (const { to, chunk } of held.splice(0)) to.write(chunk);
    },
    cutAfter: (bytes, direction) => {
      trap = { direction, left: bytes };
    },
    held: (direction) =>
      held.filter((each) => each.direction === direction).reduce((sum, each) => sum + each.chunk.length, 0),
    close: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}
