/**
 * Owns how agents, monitors and commands of a lab reach the store: etcd itself, or with LAB_STORE=server an API server before it. Tests of etcd's
 * own faults name etcd themselves.
 */
import { waitUntil } from '../../../src/host/wait.ts';
import type { Lab } from './lab.ts';
import { SLUICE } from './program.ts';

const PORT = 7070;

/** True if labs get an API server. */
const isThroughServer = process.env['LAB_STORE'] === 'server';

const urlOf = (lab: Lab): string => `http://${lab.node(1).address}:${PORT}`;

/** Flags that name the store. */
export const storeFlags = (lab: Lab): readonly string[] =>
  isThroughServer ? ['--server', urlOf(lab)] : ['--endpoints', lab.etcd().endpoints];

/** The same as environment. */
export const storeEnv = (lab: Lab): Readonly<Record<string, string>> =>
  isThroughServer ? { SLUICE_SERVER: urlOf(lab) } : { SLUICE_ENDPOINTS: lab.etcd().endpoints };

/** Starts the server where there shall be one; it lives as long as the lab. */
export async function startStoreWay(lab: Lab): Promise<void> {
  if (!isThroughServer) return;
  const node = lab.node(1);
  const flags = ['--listen', `${node.address}:${PORT}`, '--insecure', '--anonymous', 'admin'];
  const server = await node.start([...SLUICE, 'apiserver', ...flags, '--endpoints', lab.etcd().endpoints]);
  await waitUntil(() => server.stderr().includes('ready') || !server.running(), {
    what: 'the API server to be ready',
    timeoutMs: 30_000,
    facts: server.stderr,
  });
  if (!server.running()) throw new Error(`the API server ended: ${server.stderr()}`);
}
