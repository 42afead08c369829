/**
 * Owns what routes the node needs so that its own connections to entries leave with a usable source address, as pure data: which are
 * wanted, which differ, and which cannot be.
 */
import { SluiceError } from '../errors.ts';
import { canonicalIp } from '../model/address.ts';
import type { LocalFacts } from './dataplane.ts';

/** Routes to entries in a kernel, or a model of them. */
export interface EntryRoutes {
  /** Reads back what is there. */
  readonly adopt: () => Promise<void>;
  /** Makes exactly these entries' addresses local; what cannot be done is told, not thrown. */
  readonly apply: (
    ips: readonly string[],
    facts: LocalFacts,
  ) => Promise<{ readonly changed: number; readonly failures: readonly string[] }>;
  /** One line a route, sorted. */
  readonly dump: () => Promise<readonly string[]>;
  readonly cleanup: () => Promise<void>;
}

/** What of the node's local addresses is ours and what is not. */
export interface LocalRoutes {
  /** Our routes: entry address → source address. */
  readonly ours: ReadonlyMap<string, string>;
  /** Addresses that are local to the node without us. */
  readonly foreign: ReadonlySet<string>;
}

/** What must change. */
export interface RouteDelta {
  readonly add: ReadonlyMap<string, string>;
  /** Ours already, with another source. */
  readonly replace: ReadonlyMap<string, string>;
  readonly remove: readonly string[];
  /** Entry address → why it gets no route. */
  readonly refused: ReadonlyMap<string, string>;
}

/**
 * Compares. An entry on an address of the node itself gets no route, nor one of a family in which the node has no address: a local
 * route without a source would make the node's own connections carry the entry as their source and time out.
 */
export function diffRoutes(ips: readonly string[], facts: LocalFacts, current: LocalRoutes): RouteDelta {
  const [add, replace, refused] = [
    new Map<string, string>(),
    new Map<string, string>(),
    new Map<string, string>(),
  ];
  const wanted = new Set(ips);
  for (const ip of wanted) {
    const family = ip.includes(':') ? 'IPv6' : 'IPv4';
    const source = family === 'IPv6' ? facts.nodeIpv6 : facts.nodeIpv4;
    const before = current.ours.get(ip);
    if (before !== undefined && before === source) continue;
    if (current.foreign.has(ip)) refused.set(ip, 'it is an address of this node itself');
    else if (source === undefined) refused.set(ip, `this node has no ${family} address to reach it from`);
    else (before === undefined ? add : replace).set(ip, source);
  }
  return {
    add,
    replace,
    remove: [...current.ours.keys()].filter((ip) => !wanted.has(ip)).toSorted(),
    refused,
  };
}

/** One line of a report for each entry without a route, sorted. */
export function refusalLines(refused: ReadonlyMap<string, string>): readonly string[] {
  return [...refused].map(([ip, why]) => `no route to entry ${ip}: ${why}`).toSorted();
}

/** The address itself if it is canonical; nothing else may stand in a command. @throws SluiceError `internal` */
export function checkedIp(ip: string): string {
  if (canonicalIp(ip) === ip) return ip;
  throw new SluiceError('internal', `${JSON.stringify(ip)} is no canonical address, no route is made for it`);
}
