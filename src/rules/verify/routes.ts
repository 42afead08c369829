/** Owns holding the node's routes to entries, and the device that they lead to, against the entries. Pure. */
import { ENTRY_DEVICE } from '../entry-device.ts';
import { REPAIR } from '../explain/finding.ts';
import type { Ruleset } from '../ruleset.ts';
import type { Difference } from './comparison.ts';
import { setDifference } from './lines.ts';

/** One route of ours. */
export interface LiveRoute {
  readonly type: 'unicast' | 'local';
  readonly device: string;
  /** Source address that it gives the node's own connections. */
  readonly source: string | undefined;
}

/** What was read. */
export interface LiveRoutes {
  /** Ours by entry address. */
  readonly ours: ReadonlyMap<string, LiveRoute>;
  /** Addresses of this node itself, none of ours. */
  readonly nodeIps: ReadonlySet<string>;
  readonly device: 'up' | 'down' | 'absent';
}

const isIpv6 = (ip: string): boolean => ip.includes(':');
/** Addresses from which an entry can be reached: neither loopback nor of one link. */
const isUsable = (ip: string): boolean => !/^(127\.|::1$|fe[89ab])/.test(ip);

const text = (ip: string, { type, device, source }: LiveRoute): string =>
  `${type === 'local' ? 'local ' : ''}${ip} dev ${device}${source === undefined ? '' : ` src ${source}`}`;

/** What all routes of ours have in common. */
interface Frame {
  readonly live: LiveRoutes;
  /** Addresses of the node from which entries can be reached. */
  readonly usable: ReadonlySet<string>;
  /** Routes of type local, to the node itself. */
  readonly isLocal: boolean;
}

/**
 * The route that an entry should have. Where the one that stands there has an address of this node as its source it is right: which of several
 * the agent was told to use cannot be known from here.
 */
function wantedRoute(ip: string, { live, usable, isLocal }: Frame): string {
  const standing = live.ours.get(ip)?.source;
  const isRight = standing !== undefined && usable.has(standing) && isIpv6(standing) === isIpv6(ip);
  const source = isRight ? standing : 'NODE_IP';
  return isLocal
    ? text(ip, { type: 'local', device: 'lo', source })
    : text(ip, { type: 'unicast', device: ENTRY_DEVICE, source });
}

function deviceDifference({ device }: LiveRoutes): Difference {
  return {
    part: 'routes',
    chain: `device ${ENTRY_DEVICE}`,
    service: undefined,
    missing: [`${ENTRY_DEVICE} up`],
    unwanted: device === 'down' ? [`${ENTRY_DEVICE} down`] : [],
    fix: REPAIR,
  };
}

/**
 * Compares. Entries on an address of the node itself, or of a family in which it has none, get no route: the agent says so in `status`.
 * @param hasGuard routes lead to a device only where a guard can be (nft is installed), and the kernel has such devices
 */
export function compareRoutes(ruleset: Ruleset, live: LiveRoutes, hasGuard: boolean): readonly Difference[] {
  const usable = new Set([...live.nodeIps].filter(isUsable));
  const families = new Set([...usable].map(isIpv6));
  const ips = [...new Set(ruleset.entries.map(({ entry }) => entry.ip))];
  const routed = ips.filter((ip) => !live.nodeIps.has(ip) && families.has(isIpv6(ip)));
  const isWithoutDevice =
    live.device === 'absent' && [...live.ours.values()].some(({ type }) => type === 'local');
  const frame: Frame = { live, usable, isLocal: !hasGuard || isWithoutDevice };
  const needsDevice = !frame.isLocal && routed.length > 0 && live.device !== 'up';
  const about = { part: 'routes', chain: 'routes to entries', service: undefined } as const;
  const desired = new Set(routed.map((ip) => wantedRoute(ip, frame)));
  const found = new Set([...live.ours].map(([ip, route]) => text(ip, route)));
  return [...(needsDevice ? [deviceDifference(live)] : []), ...setDifference(about, desired, found)];
}
