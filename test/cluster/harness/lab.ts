/**
 * Owns a lab: up to 10 nodes and 0, 1 or 3 etcd members in network namespaces of their own, faults, processes inside.
 * Labs run side by side with the same addresses; a lab is torn down by `close` and by the death of the test process.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { startEtcd, type Etcd } from '../../../src/dev/etcd.ts';
import { openWorkplace, type Workplace } from '../../../src/dev/machine.ts';
import { openNetwork, type Network } from '../../../src/dev/network.ts';
import { ipBatch, killInside } from '../../../src/host/netns.ts';
import { removeControlGroups } from './control-groups.ts';
import { prepareFaults, type Faults } from './faults.ts';

/** What to build. */
export interface LabSize {
  readonly nodes: number;
  /** Members run on the nodes 1 to n; default 0. */
  readonly etcd?: 0 | 1 | 3 | undefined;
  /** Machines on a subnet of their own, routed through node 1; default 0. */
  readonly clients?: number | undefined;
  /** Default 100; the election timeout is ten times as long. */
  readonly etcdHeartbeatMs?: number | undefined;
  readonly etcdFlags?: readonly string[] | undefined;
}

/** A lab that is up. Nodes in arguments are numbered from 1. */
export interface Lab extends Omit<Faults, 'cutOneWay'> {
  readonly nodes: readonly Workplace[];
  readonly clients: readonly Workplace[];
  /** A node by its number from 1. */
  readonly node: (i: number) => Workplace;
  readonly client: (i: number) => Workplace;
  /** @throws if the lab has none */
  readonly etcd: () => Etcd;
  /** A folder of the lab, in memory. */
  readonly folder: string;
  /** Drops all between two nodes. */
  readonly cut: (a: number, b: number) => Promise<void>;
  /** Drops all from a to b, not from b to a. */
  readonly cut1: (a: number, b: number) => Promise<void>;
  /** Power loss: the cable goes dead, then every process inside is killed: no FIN and no RST leaves. */
  readonly powerOff: (i: number) => Promise<void>;
  /** The cable works again; processes must be started anew. */
  readonly powerOn: (i: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Where labs keep their files: memory, so that fsync is quick. */
const MEMORY = '/dev/shm';

/**
 * Builds a lab.
 * @throws SluiceError if it cannot; nothing is left behind
 */
export async function startLab(size: LabSize): Promise<Lab> {
  const folder = await mkdtemp(path.join(MEMORY, 'sluice-lab-'));
  let network: Network | undefined;
  let places: readonly Workplace[] = [];
  const close = async (): Promise<void> => {
    await network?.close();
    await removeControlGroups(places);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    network = await openNetwork(size);
    const members = network.nodes.slice(0, size.etcd ?? 0);
    const [faults, etcd, nodes, clients] = await Promise.all([
      prepareFaults(network.switchNs),
      members.length === 0
        ? undefined
        : startEtcd({ places: members, folder, heartbeatMs: size.etcdHeartbeatMs, flags: size.etcdFlags }),
      Promise.all(network.nodes.map(async (machine) => await openWorkplace(machine, folder))),
      Promise.all(network.clients.map(async (machine) => await openWorkplace(machine, folder))),
    ]);
    places = nodes;
    return { ...labOf({ network, faults, etcd, nodes, clients }), folder, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Parts {
  readonly network: Network;
  readonly faults: Faults;
  readonly etcd: Etcd | undefined;
  readonly nodes: readonly Workplace[];
  readonly clients: readonly Workplace[];
}

function labOf({ network, faults, etcd, nodes, clients }: Parts): Omit<Lab, 'folder' | 'close'> {
  const node = (i: number): Workplace => nth(nodes, i, 'node');
  const { cutOneWay, ...otherFaults } = faults;
  const cut1 = async (a: number, b: number): Promise<void> => {
    await cutOneWay(node(a), node(b));
  };
  const cable = async (i: number, state: 'up' | 'down'): Promise<void> => {
    await ipBatch(network.switchNs, [`link set v${i} ${state}`]);
  };
  return {
    ...otherFaults,
    nodes,
    clients,
    node,
    client: (i) => nth(clients, i, 'client'),
    etcd: () => {
      if (etcd === undefined) throw new Error('this lab has no etcd');
      return etcd;
    },
    cut1,
    cut: async (a, b) => {
      await cut1(a, b);
      await cut1(b, a);
    },
    powerOff: async (i) => {
      await cable(i, 'down');
      await killInside([node(i).ns.inode], node(i).ns.pid);
    },
    powerOn: async (i) => {
      await cable(i, 'up');
    },
  };
}

function nth<T>(list: readonly T[], i: number, what: string): T {
  const item = list[i - 1];
  if (item === undefined) throw new Error(`this lab has no ${what} ${i}`);
  return item;
}
