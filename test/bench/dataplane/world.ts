/**
 * Owns the network of the benchmark: lanes of a client and a node that forwards for it, each of them in namespaces of its own, and one machine
 * with all instances behind a switch. Every lane has the same addresses for entries and instances, so that contenders run side by side.
 */
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cableLine, ipBatch, type Netns, openNetns } from '../../../src/host/netns.ts';
import { openProbe, type Probe, spawnInside } from './probe.ts';
import { ENTRIES_NET, INSTANCE_PORT, INSTANCES_NET, PLAIN_ADDRESS } from './services.ts';

const SERVER = fileURLToPath(new URL('instances.pl', import.meta.url));
/** Clients have the first core, instances the second. */
const [CLIENT_CPU, SERVER_CPU] = [0, 1];
const PORTS = { 'ipv4/ip_local_port_range': '1024 65535', 'ipv4/tcp_tw_reuse': '1' };
const NODE = {
  ...PORTS,
  'ipv4/ip_forward': '1',
  'core/somaxconn': '65535',
  // Ended connections leave the table soon: what is measured is the rules, not how full the table is.
  'netfilter/nf_conntrack_tcp_timeout_close': '1',
  'netfilter/nf_conntrack_tcp_timeout_time_wait': '1',
};

/** A client, and the node that it reaches everything through. */
export interface Lane {
  readonly node: Netns;
  readonly nodeIpv4: string;
  /** For files of what runs on the node; removed with the world. */
  readonly folder: string;
  /** Measures from the client's machine. */
  readonly remote: Probe;
  /** Measures from the node itself. */
  readonly local: Probe;
  /** Many clients on the client's machine, on any core. */
  readonly crowd: Probe;
}

/** The network. */
export interface World {
  readonly openLane: () => Promise<Lane>;
  readonly close: () => Promise<void>;
}

async function startInstances(netns: Netns): Promise<void> {
  const argv = ['taskset', '-c', String(SERVER_CPU), 'perl', SERVER, String(INSTANCE_PORT), '8'];
  const child = spawnInside(netns, argv);
  const [answer]: unknown[] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  if (!String(answer).startsWith('ready')) throw new Error('the instances did not start');
}

/** Builds the switch and the instances' machine. */
export async function openWorld(): Promise<World> {
  const files = await mkdtemp(path.join(tmpdir(), 'sluice-bench-'));
  const opened: Netns[] = [];
  const open = async (sysctls: Readonly<Record<string, string>>): Promise<Netns> => {
    const netns = await openNetns({ sysctls });
    opened.push(netns);
    return netns;
  };
  const bridge = await open({});
  const servers = await open({ ...PORTS, 'core/somaxconn': '65535' });
  await ipBatch(bridge, [
    'link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0',
    'link set br0 up',
    cableLine({ ns: bridge, name: 'v0' }, { ns: servers, name: 'eth0' }),
    'link set v0 master br0',
    'link set v0 up',
  ]);
  await ipBatch(servers, [
    'addr add 10.77.0.1/16 dev eth0',
    'link set eth0 up',
    `route add local ${INSTANCES_NET} dev lo`,
    `route add local ${PLAIN_ADDRESS}/32 dev lo`,
  ]);
  await startInstances(servers);
  let lanes = 0;
  const openLane = async (): Promise<Lane> => {
    lanes += 1;
    const k = lanes;
    const [node, client] = [await open(NODE), await open(PORTS)];
    const nodeIpv4 = `10.77.1.${k}`;
    await ipBatch(bridge, [
      cableLine({ ns: bridge, name: `v${k}` }, { ns: node, name: 'eth0' }),
      `link set v${k} master br0`,
      `link set v${k} up`,
    ]);
    await ipBatch(node, [
      `addr add ${nodeIpv4}/16 dev eth0`,
      'link set eth0 up',
      cableLine({ ns: node, name: 'c0' }, { ns: client, name: 'eth0' }),
      `addr add 10.78.${k}.1/24 dev c0`,
      'link set c0 up',
      'route add default via 10.77.0.1',
    ]);
    await ipBatch(client, [
      `addr add 10.78.${k}.2/24 dev eth0`,
      'link set eth0 up',
      `route add default via 10.78.${k}.1`,
    ]);
    await ipBatch(servers, [`route add 10.78.${k}.0/24 via ${nodeIpv4}`]);
    const [remote, local] = [openProbe(client, CLIENT_CPU), openProbe(node, CLIENT_CPU)];
    const folder = path.join(files, String(k));
    await mkdir(folder);
    return { node, nodeIpv4, folder, remote, local, crowd: openProbe(client) };
  };
  return {
    openLane,
    close: async () => {
      await Promise.all(opened.map(async (netns) => await netns.close()));
      await rm(files, { recursive: true, force: true });
    },
  };
}

/** Lets a proxy on the node of a lane listen on every entry. */
export async function ownEntries(lane: Lane): Promise<void> {
  await ipBatch(lane.node, [`route add local ${ENTRIES_NET} dev lo`]);
}
