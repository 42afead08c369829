/**
 * Owns "one of a kind on a node": an abstract unix socket, which belongs to a network namespace, leaves no file and is free again the
 * moment its process dies, however it dies.
 */
import { createServer, type Server } from 'node:net';
import { SluiceError } from '../errors.ts';

/** What there may be one of, and what is said to a second one. */
export interface SingleOptions {
  /** Name of the socket, without the NUL before it. */
  readonly socket: string;
  readonly what: string;
  readonly why: string;
  readonly fix: string;
}

/** The one place, until it is released or the process ends. */
export interface Single {
  readonly release: () => Promise<void>;
}

function listen(server: Server, socket: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path: `\0${socket}` }, resolve);
  });
}

/**
 * Takes the one place.
 * @throws SluiceError `locked` if another process of this network namespace has it
 */
export async function takeSingle({ socket, what, why, fix }: SingleOptions): Promise<Single> {
  const server = createServer((connection) => connection.destroy());
  try {
    await listen(server, socket);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    throw new SluiceError('locked', what, { why, fix, cause: error });
  }
  server.unref();
  return {
    release: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
