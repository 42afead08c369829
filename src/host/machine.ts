/** Owns what is read about this machine: size, kernel, addresses. */
import { readFileSync } from 'node:fs';
import { availableParallelism, hostname, networkInterfaces, release, totalmem } from 'node:os';
import { canonicalIp, type Family, familyOf } from '../model/address.ts';
import { isInNetwork } from '../model/network.ts';

/** Facts of the machine. */
export interface Machine {
  readonly hostname: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  /** Global unicast addresses in canonical text, the kernel's order, loopback and link-local left out. */
  readonly addresses: readonly string[];
  /** The networks that these addresses lie in, `ADDRESS/BITS` with the machine's own address; single addresses left out. */
  readonly networks: readonly string[];
}

/** As many as a node's record holds. */
const MAX_NETWORKS = 64;

/** Reads the facts; cheap, so read anew whenever they are needed. */
export function readMachine(): Machine {
  const links = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ internal, address }) => !internal && !/^fe[89ab]/.test(address));
  const networks = links.flatMap(({ cidr }) => (cidr === null || /\/(32|128)$/.test(cidr) ? [] : [cidr]));
  const addresses = links
    .map(({ address }) => canonicalIp(address))
    .filter((address) => address !== undefined);
  return {
    hostname: hostname(),
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: release(),
    addresses: [...new Set(addresses)],
    networks: [...new Set(networks)].slice(0, MAX_NETWORKS),
  };
}

/** True if packets of the family that come in on one link may leave on another (or the same) one. */
export function isForwarding(family: Family): boolean {
  const setting = family === 'ipv4' ? 'ipv4/ip_forward' : 'ipv6/conf/all/forwarding';
  return (readKernelFile(`/proc/sys/net/${setting}`) ?? '0') !== '0';
}

/** The link in whose network the address lies, the smallest network first; undefined if there is none, or the address is the link's own. */
export function linkOf(ip: string): string | undefined {
  const found = Object.entries(networkInterfaces()).flatMap(([name, list]) =>
    (list ?? [])
      .filter(({ internal, cidr }) => !internal && cidr !== null && isInNetwork(ip, cidr) === true)
      .map(({ cidr }) => ({ name, bits: Number(cidr?.split('/')[1]), isOwn: cidr?.split('/')[0] === ip })),
  );
  const [first] = found.toSorted((a, b) => b.bits - a.bits);
  // An alias (eth0:1) is a name of an address, not of a link.
  return first === undefined || first.isOwn ? undefined : first.name.split(':')[0];
}

/** Text of a /proc or /sys file, trimmed, or undefined if it cannot be read. */
export function readKernelFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** First address of a family, or undefined. */
export function firstOf(addresses: readonly string[], family: 'ipv4' | 'ipv6'): string | undefined {
  return addresses.find((address) => familyOf(address) === family);
}
