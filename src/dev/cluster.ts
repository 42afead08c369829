/**
 * Owns the little cluster of `sluice dev`: etcd, agents, monitors, instances and a published service on a private topology, and the burst of
 * connections that shows that it works. Runs inside the sandbox; everything is done through the real commands.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { chiSquareTest } from '../balance/chi-square.ts';
import { SluiceError } from '../errors.ts';
import { waitUntil } from '../host/wait.ts';
import type { Child } from './child.ts';
import { answered, type LoadResult } from './load/outcome.ts';
import { startLoad } from './load/start-load.ts';
import { writeDevPolicy } from './node-policy.ts';
import type { DevPrograms, DevReport, DevRow } from './options.ts';
import { startTopology, type Topology, type TopologyInstance } from './topology.ts';

/** The published service. */
const SERVICE = 'web';
const ENTRY = { ip: '10.96.0.10', port: 80 };
const INSTANCE_PORT = 8080;
/** Weight of the instance on node i. */
const WEIGHTS = [1, 2, 3] as const;
const BURST = { connections: 3_000, atOnce: 32, timeoutMs: 30_000 };
const AGENT_START_MS = 20_000;
/** A spread less likely than this does not fit: one honest run in a million is refused. */
const LEAST_P = 1e-6;

/** The cluster, up and forwarding. */
export interface DevCluster {
  readonly topology: Topology;
  /** Environment in which `sluice` is on PATH and speaks to this cluster. */
  readonly env: Readonly<Record<string, string>>;
  /** Sends the burst from the client and counts where it landed. */
  readonly burst: () => Promise<DevReport>;
  readonly close: () => Promise<void>;
}

/** Shell quoting for the wrapper script. */
const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** Puts a `sluice` on the path that is this very program and speaks to this etcd. */
async function commandEnvironment(
  topology: Topology,
  sluice: readonly string[],
): Promise<Record<string, string>> {
  const bin = path.join(topology.folder, 'bin');
  await mkdir(bin);
  await writeFile(path.join(bin, 'sluice'), `#!/bin/sh\nexec ${sluice.map(quote).join(' ')} "$@"\n`, {
    mode: 0o755,
  });
  const stateDir = path.join(topology.nodes[0]?.folder ?? topology.folder, 'state');
  return {
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    SLUICE_ENDPOINTS: topology.etcd.endpoints,
    SLUICE_STATE_DIR: stateDir,
  };
}

/** Starts an agent on every node and waits until each has said so in the store. */
async function startAgents(topology: Topology, sluice: readonly string[]): Promise<void> {
  const agents = await Promise.all(
    topology.nodes.map(async (node): Promise<Child> => {
      const stateDir = path.join(node.folder, 'state');
      const flags = ['--node', node.name, '--endpoints', topology.etcd.endpoints, '--state-dir', stateDir];
      const policy = await writeDevPolicy(node.folder);
      return await node.start([...sluice, 'agent', ...flags, '--policy', policy, '--log-format', 'text']);
    }),
  );
  await waitUntil(
    () => agents.every((agent) => agent.stderr().includes('node announced') || !agent.running()),
    {
      what: 'the agents to announce their nodes',
      timeoutMs: AGENT_START_MS,
      facts: () => agents.map((agent) => agent.stderr().slice(-500)).join('\n'),
    },
  );
  const dead = agents.find((agent) => !agent.running());
  if (dead !== undefined)
    throw new SluiceError('failed', 'an agent ended', { why: dead.stderr().slice(-1_000) });
}

/** Starts a monitor on every node: one leads, the others stand by. */
async function startMonitors(topology: Topology, sluice: readonly string[]): Promise<void> {
  await Promise.all(
    topology.nodes.map(async (node) => {
      const state = ['--state-dir', path.join(node.folder, 'state')];
      const flags = ['--node', node.name, '--endpoints', topology.etcd.endpoints, ...state];
      await node.start([...sluice, 'monitor', ...flags, '--log-format', 'text']);
    }),
  );
}

async function publish(
  topology: Topology,
  instances: readonly TopologyInstance[],
  env: DevCluster['env'],
): Promise<void> {
  const flags = instances.flatMap(({ address }, index) => [
    '--instance',
    `${address}=${WEIGHTS[index] ?? 1}`,
  ]);
  const argv = ['sluice', 'publish', SERVICE, '--entry', `${ENTRY.ip}:${ENTRY.port}`, ...flags, '--wait'];
  const { exitCode, stderr } = await topology.client.run(argv, { env, timeoutMs: 40_000 });
  if (exitCode !== 0)
    throw new SluiceError('failed', 'publishing the service failed', { why: stderr.trim() });
}

/** Counts against weights; the names that instances answer are those they were started with. */
function reportOf(result: LoadResult, instances: readonly TopologyInstance[]): DevReport {
  const connections = answered(result);
  const weightSum = instances.reduce((sum, _, index) => sum + (WEIGHTS[index] ?? 1), 0);
  const rows = instances.map(({ name, address, node }, index): DevRow => {
    const [weight, count] = [WEIGHTS[index] ?? 1, result.instances[name] ?? 0];
    return {
      instance: address,
      node: node.name,
      weight,
      expectedShare: weight / weightSum,
      connections: count,
      share: connections === 0 ? 0 : count / connections,
    };
  });
  const { p } = chiSquareTest(
    rows.map((row) => row.connections),
    rows.map((row) => row.weight),
  );
  const failed = result.attempts - connections;
  return {
    entry: `${ENTRY.ip}:${ENTRY.port}/tcp`,
    rows,
    connections,
    failed,
    perSecond: result.perSecond,
    medianMs: result.latency.p50,
    p,
    ok: failed === 0 && result.attempts === BURST.connections && p >= LEAST_P,
  };
}

/**
 * Starts everything.
 * @param onStep told what is being done, in words
 * @throws SluiceError `permission`, `config`, `failed`, `timeout`; nothing is left behind
 */
export async function startDevCluster(
  programs: DevPrograms,
  onStep: (step: string) => void,
): Promise<DevCluster> {
  onStep('starting a private network and etcd');
  const topology = await startTopology({ instanceProgram: programs.instance });
  try {
    const env = await commandEnvironment(topology, programs.sluice);
    onStep('starting three agents, monitors and instances');
    const [instances] = await Promise.all([
      Promise.all(
        topology.nodes.map(
          async (node) => await topology.startInstance(node, `web-${node.name}`, INSTANCE_PORT),
        ),
      ),
      startAgents(topology, programs.sluice),
      startMonitors(topology, programs.sluice),
    ]);
    onStep('publishing the service');
    await publish(topology, instances, env);
    return {
      topology,
      env,
      burst: async () => {
        const { connections: count, atOnce, timeoutMs: durationMs } = BURST;
        const pace = { kind: 'concurrency', connections: atOnce } as const;
        const spec = { host: ENTRY.ip, port: ENTRY.port, pace, count, durationMs };
        const run = await startLoad(spec, { worker: programs.load, ns: topology.client.ns });
        return reportOf(await run.result, instances);
      },
      close: topology.close,
    };
  } catch (error) {
    await topology.close();
    throw error;
  }
}
