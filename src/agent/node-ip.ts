/** Owns finding the node's own addresses: what was given, else what the routing table would use, else the first global address. */
import type { Exec } from '../host/exec.ts';
import { firstOf, readMachine } from '../host/machine.ts';
import { canonicalIp, type Family, familyOf } from '../model/address.ts';
import type { LocalFacts } from '../dataplane/dataplane.ts';

/** Documentation addresses (RFC 5737, RFC 3849): never local, so that asking for their route means the default route. */
const FAR: Readonly<Record<Family, string>> = { ipv4: '192.0.2.1', ipv6: '2001:db8::1' };

/** Source address of the default route, or undefined if there is none. */
async function defaultSource(family: Family, exec: Exec): Promise<string | undefined> {
  const { exitCode, stdout } = await exec('ip', [
    family === 'ipv4' ? '-4' : '-6',
    'route',
    'get',
    FAR[family],
  ]);
  if (exitCode !== 0) return undefined;
  if (/ dev lo /.test(stdout)) return undefined;
  const source = / src (\S+)/.exec(stdout)?.[1];
  return source === undefined ? undefined : canonicalIp(source);
}

/** Addresses of the node. */
export interface NodeAddresses {
  readonly primary: LocalFacts;
  /** All of them in canonical text, the primary ones first. */
  readonly all: readonly string[];
}

/**
 * The node's primary address of each family, and all its addresses with the primary ones first.
 * @param given addresses from `--node-ip`; they win, a family that is not given is found
 */
export async function findNodeAddresses(given: readonly string[], exec: Exec): Promise<NodeAddresses> {
  const { addresses } = readMachine();
  const primary = async (family: Family): Promise<string | undefined> =>
    given.find((ip) => familyOf(ip) === family) ??
    (await defaultSource(family, exec)) ??
    firstOf(addresses, family);
  const [nodeIpv4, nodeIpv6] = [await primary('ipv4'), await primary('ipv6')];
  const first = [nodeIpv4, nodeIpv6].filter((ip) => ip !== undefined);
  return { primary: { nodeIpv4, nodeIpv6 }, all: [...new Set([...first, ...given, ...addresses])] };
}
