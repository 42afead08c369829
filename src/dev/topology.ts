/** Owns the private world of `sluice dev`: one client, three nodes and an etcd, each in a network namespace, torn down as one. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Child } from './child.ts';
import { startEtcd, type Etcd } from './etcd.ts';
import { openWorkplace, type Workplace } from './machine.ts';
import { openNetwork, type Network } from './network.ts';

/** What to build. */
export interface TopologyOptions {
  /** Default 3. */
  readonly nodes?: number | undefined;
  /** Command line of a program that calls `runInstanceServer` with the arguments NAME HOST PORT and then prints `listening PORT`. */
  readonly instanceProgram: readonly string[];
  /** Where to keep files; default the system's folder for temporary files. */
  readonly parent?: string | undefined;
}

/** A running instance of the topology. */
export interface TopologyInstance {
  readonly name: string;
  /** IP:port. */
  readonly address: string;
  readonly node: Workplace;
  readonly process: Child;
}

/** The world of `sluice dev`. */
export interface Topology {
  /** On a subnet of its own, routed through node 1: its traffic to entries is forwarded there. */
  readonly client: Workplace;
  readonly nodes: readonly Workplace[];
  /** One member, on node 1. */
  readonly etcd: Etcd;
  /** Removed by `close`. */
  readonly folder: string;
  /** Starts an instance on a node; it is listening when this resolves. */
  readonly startInstance: (node: Workplace, name: string, port: number) => Promise<TopologyInstance>;
  /** Ends everything. Idempotent. */
  readonly close: () => Promise<void>;
}

/** A lone member needs no time for elections. */
const HEARTBEAT_MS = 10;

/**
 * Builds the world; about half a second.
 * @throws SluiceError `permission` or `config` where it cannot; nothing is left behind
 */
export async function startTopology(options: TopologyOptions): Promise<Topology> {
  const folder = await mkdtemp(path.join(options.parent ?? tmpdir(), 'sluice-dev-'));
  let network: Network | undefined;
  const close = async (): Promise<void> => {
    await network?.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    network = await openNetwork({ nodes: options.nodes ?? 3, clients: 1 });
    const open = async (machines: Network['nodes']): Promise<readonly Workplace[]> =>
      await Promise.all(machines.map(async (machine) => await openWorkplace(machine, folder)));
    const [nodes, [client], etcd] = await Promise.all([
      open(network.nodes),
      open(network.clients),
      startEtcd({ places: network.nodes.slice(0, 1), folder, heartbeatMs: HEARTBEAT_MS }),
    ]);
    if (client === undefined) throw new Error('a network with one client has one');
    return { client, nodes, etcd, folder, close, startInstance: instanceStarter(options.instanceProgram) };
  } catch (error) {
    await close();
    throw error;
  }
}

function instanceStarter(program: readonly string[]): Topology['startInstance'] {
  return async (node, name, port) => {
    const process = await node.start([...program, name, node.address, String(port)]);
    await process.waitForOutput(/^listening /m);
    return { name, address: `${node.address}:${port}`, node, process };
  };
}
