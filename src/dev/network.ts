/**
 * Owns the private network of `sluice dev` and of the test labs: nodes on one switch, clients outside routed through a node.
 * Every part lies in namespaces of its own, so that any number of networks have the same addresses side by side.
 */
import { cableLine, ipBatch, killInside, openNetns, type Netns } from '../host/netns.ts';

/** A machine of the network. */
export interface Machine {
  /** 'n1', 'n2', …; clients 'c1', 'c2', …. */
  readonly name: string;
  readonly ns: Netns;
  /** 10.77.0.i on the switch; clients 10.78.i.2. */
  readonly address: string;
  /** fd77::i; clients fd78:0:0:i::2. */
  readonly address6: string;
}

/** How large a network. */
export interface NetworkSize {
  /** 1 to 250. */
  readonly nodes: number;
  /** Machines on a subnet of their own, routed through node 1 (or `clientsVia`, a node's number); default 0. */
  readonly clients?: number | undefined;
  readonly clientsVia?: number | undefined;
}

/** A network that is up. */
export interface Network {
  /** Holds the bridge `br0` with port `v<i>` for node i. */
  readonly switchNs: Netns;
  readonly nodes: readonly Machine[];
  readonly clients: readonly Machine[];
  /** Kills every process inside, then all namespaces. Idempotent. */
  readonly close: () => Promise<void>;
}

// Duplicate address detection would keep links from asking for neighbours in their first 1-2 s.
const NO_DAD = { 'ipv6/conf/all/accept_dad': '0', 'ipv6/conf/default/accept_dad': '0' };
const HOST = { ...NO_DAD, 'ipv4/ip_local_port_range': '1024 65535' };
const ROUTER = { ...HOST, 'ipv4/ip_forward': '1', 'ipv6/conf/all/forwarding': '1' };

/** Address of node i (from 1) of every network. */
function nodeAddress(i: number): string {
  return `10.77.0.${i}`;
}

/**
 * Builds a network.
 * @throws SluiceError `permission` or `config` where namespaces cannot be made; nothing is left behind
 */
export async function openNetwork(size: NetworkSize): Promise<Network> {
  const opened: Netns[] = [];
  const open = async (sysctls: Readonly<Record<string, string>>): Promise<Netns> => {
    const ns = await openNetns({ sysctls });
    opened.push(ns);
    return ns;
  };
  const close = async (): Promise<void> => {
    await killInside(
      opened.map((ns) => ns.inode),
      ...opened.map((ns) => ns.pid),
    );
    await Promise.all(opened.map(async (ns) => await ns.close()));
  };
  const many = async (count: number, sysctls: Readonly<Record<string, string>>): Promise<readonly Netns[]> =>
    await Promise.all(Array.from({ length: count }, async () => await open(sysctls)));
  const settled = await Promise.allSettled([
    open({}),
    many(size.nodes, ROUTER),
    many(size.clients ?? 0, HOST),
  ]);
  try {
    const [switchNs, nodes, clients] = settled;
    if (switchNs.status === 'rejected') throw switchNs.reason;
    if (nodes.status === 'rejected') throw nodes.reason;
    if (clients.status === 'rejected') throw clients.reason;
    return { ...(await connect(switchNs.value, nodes.value, clients.value, size.clientsVia ?? 1)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Lays the cables and gives the addresses. */
async function connect(
  switchNs: Netns,
  nodeNs: readonly Netns[],
  clientNs: readonly Netns[],
  via: number,
): Promise<Omit<Network, 'close'>> {
  const nodes = nodeNs.map((ns, k) => ({
    name: `n${k + 1}`,
    ns,
    address: nodeAddress(k + 1),
    address6: `fd77::${(k + 1).toString(16)}`,
  }));
  const clients = clientNs.map((ns, k) => ({
    name: `c${k + 1}`,
    ns,
    address: `10.78.${k + 1}.2`,
    address6: `fd78:0:0:${(k + 1).toString(16)}::2`,
  }));
  const router = nodes[via - 1];
  await ipBatch(switchNs, [
    'link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0',
    'link set br0 up',
    ...nodes.map((node, k) => cableLine({ ns: switchNs, name: `v${k + 1}` }, { ns: node.ns, name: 'eth0' })),
    ...nodes.flatMap((_, k) => [`link set v${k + 1} master br0`, `link set v${k + 1} up`]),
  ]);
  await Promise.all(
    nodes.map(async (node) => {
      await ipBatch(node.ns, nodeLines(node, node === router ? clients : [], router));
    }),
  );
  await Promise.all(
    clients.map(async (client) => {
      await ipBatch(client.ns, clientLines(client));
    }),
  );
  return { switchNs, nodes, clients };
}

/** Set-up of one node; `clients` are those it routes for. */
function nodeLines(
  node: Machine,
  clients: readonly Machine[],
  router: Machine | undefined,
): readonly string[] {
  const toClients =
    router === undefined || router === node
      ? []
      : [
          `route add 10.78.0.0/16 via ${router.address}`,
          `route add fd78::/32 via ${router.address6} dev eth0`,
        ];
  return [
    `addr add ${node.address}/24 dev eth0`,
    `addr add ${node.address6}/64 dev eth0 nodad`,
    'link set eth0 up',
    ...clients.flatMap((client, k) => [
      cableLine({ ns: node.ns, name: `c${k + 1}` }, { ns: client.ns, name: 'eth0' }),
      `addr add 10.78.${k + 1}.1/24 dev c${k + 1}`,
      `addr add fd78:0:0:${(k + 1).toString(16)}::1/64 dev c${k + 1} nodad`,
      `link set c${k + 1} up`,
    ]),
    ...toClients,
  ];
}

/** Set-up of one client: all its traffic goes to its router. */
function clientLines(client: Machine): readonly string[] {
  return [
    `addr add ${client.address}/24 dev eth0`,
    `addr add ${client.address6}/64 dev eth0 nodad`,
    'link set eth0 up',
    `route add default via ${client.address.replace(/2$/, '1')}`,
    `route add default via ${client.address6.replace(/2$/, '1')} dev eth0`,
  ];
}
