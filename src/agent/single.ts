/**
 * Owns "one agent a node": an abstract unix socket, which belongs to the network namespace whose rules the agent owns, leaves no file and
 * is free again the moment its process dies, however it dies.
 */
import { createServer, type Server } from 'node:net';
import { SluiceError } from '../errors.ts';

/** Name of the socket; the first byte of its path is NUL. */
const SOCKET_PATH = '\0sluice-agent';

/** The right to be this node's agent, until it is released or the process ends. */
export interface SingleAgent {
  readonly release: () => Promise<void>;
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path: SOCKET_PATH }, resolve);
  });
}

/**
 * Takes the node's one place for an agent.
 * @throws SluiceError `locked` if another agent of this network namespace has it
 */
export async function takeSingleAgent(): Promise<SingleAgent> {
  const server = createServer((socket) => socket.destroy());
  try {
    await listen(server);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    throw new SluiceError('locked', 'another sluice agent runs on this node', {
      why: 'two agents would overwrite each other in the same kernel tables',
      fix: 'stop the other one first, e.g. systemctl stop sluice-agent (ss -xlp | grep sluice-agent shows its pid)',
      cause: error,
    });
  }
  server.unref();
  return {
    release: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
