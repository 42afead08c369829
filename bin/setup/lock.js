/** Owns the lock of one working tree against two set-ups at once: an abstract unix socket, which the kernel frees at death. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { SetupFailure, say } from './failure.js';

const WAIT_MS = 10 * 60_000;
const EVERY_MS = 200;

/**
 * Runs an action while holding the lock of a folder; waits for whoever holds it.
 * @template T
 * @param {string} folder absolute path: the tree
 * @param {() => Promise<T>} action what to do
 * @returns {Promise<T>}
 * @throws {SetupFailure} 69 if another set-up takes longer than ten minutes
 */
export async function withLock(folder, action) {
  const name = `\0sluice-setup-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`;
  const server = await acquire(name, folder);
  try {
    return await action();
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

/**
 * @param {string} name of the socket
 * @param {string} folder for messages
 * @returns {Promise<import('node:net').Server>}
 */
async function acquire(name, folder) {
  for (let waitedMs = 0; waitedMs < WAIT_MS; waitedMs += EVERY_MS) {
    const server = await tryListen(name);
    if (server !== undefined) return server;
    if (waitedMs === 0) say('another set-up is at work here; waiting for it');
    await sleep(EVERY_MS);
  }
  throw new SetupFailure(69, `another set-up of ${folder} does not end`, { fix: 'end it, then try again' });
}

/**
 * @param {string} name of the socket
 * @returns {Promise<import('node:net').Server | undefined>} undefined if it is taken
 */
async function tryListen(name) {
  const server = createServer();
  return await new Promise((resolve, reject) => {
    server.once('error', (/** @type {NodeJS.ErrnoException} */ error) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(name, () => {
      resolve(server);
    });
  });
}
