/**
 * Owns reading what stands beside the rules of a layout: the guard, the rule in FORWARD, routes to entries and their device. Reads only; the
 * guard's frame is printed by this node's nft in a private network namespace if it does not stand there in the words that are known.
 */
import type { Exec } from '../../host/exec.ts';
import { canonicalIp } from '../../model/address.ts';
import { ENTRY_DEVICE } from '../../rules/entry-device.ts';
import { REPAIR } from '../../rules/explain/finding.ts';
import { type FoundGuard, parseGuard } from '../../rules/guard/guard-listing.ts';
import { emptySets } from '../../rules/guard/guard-state.ts';
import { GUARD_TABLE, guardFrame, guardTable } from '../../rules/guard/guard-text.ts';
import type { Ruleset } from '../../rules/ruleset.ts';
import type { Difference } from '../../rules/verify/comparison.ts';
import { compareGuard } from '../../rules/verify/guard.ts';
import { compareRoutes, type LiveRoute, type LiveRoutes } from '../../rules/verify/routes.ts';
import { FORWARD_RULE, readForward } from '../forward-accept.ts';
import type { Tools } from '../iptables/variant.ts';
import { ROUTE_PROTOCOL } from '../ip-routes.ts';
import { listNft } from './our-nftables.ts';
import { inOwnNetwork } from './own-network.ts';

const TIMEOUT_MS = 60_000;

interface Guard {
  readonly found: FoundGuard | undefined;
  /** As this nft prints it. */
  readonly frame: string;
}

async function readGuard(exec: Exec, marks: boolean): Promise<Guard> {
  const listing = await listNft(exec, ['-s', 'list', 'table', ...GUARD_TABLE.split(' ')]);
  const found = listing === undefined ? undefined : parseGuard(listing);
  const known = guardFrame(marks);
  if (found === undefined || found.frame === known) return { found, frame: known };
  const script = `nft -f - && nft -s list table ${GUARD_TABLE}`;
  const printed = await inOwnNetwork(exec, ['sh', '-c', script], { input: guardTable(emptySets(), marks) });
  const isPrinted = printed !== undefined && printed.result.exitCode === 0;
  return { found, frame: isPrinted ? parseGuard(printed.result.stdout).frame : known };
}

/** The FORWARD chain, and how it differs from what it should be. */
interface Forwarding {
  readonly drops: boolean;
  readonly differences: readonly Difference[];
}

async function readForwarding(exec: Exec, tools: Tools | undefined): Promise<Forwarding> {
  if (tools === undefined) return { drops: false, differences: [] };
  const read = async (family: 'ipv4' | 'ipv6'): Promise<Forwarding> => {
    const { drops, rules } = await readForward(exec, tools, family);
    const wanted = drops ? 1 : 0;
    if (rules === wanted) return { drops, differences: [] };
    const line = `-A ${FORWARD_RULE}`;
    const differences = [
      {
        part: 'forwarding' as const,
        chain: `FORWARD of ${tools.program(family)} -t filter`,
        service: undefined,
        missing: rules < wanted ? [line] : [],
        unwanted: rules > wanted ? [line] : [],
        fix: REPAIR,
      },
    ];
    return { drops, differences };
  };
  const both = await Promise.all([read('ipv4'), read('ipv6')]);
  return {
    drops: both.some(({ drops }) => drops),
    differences: both.flatMap(({ differences }) => differences),
  };
}

async function readRoutes(exec: Exec): Promise<LiveRoutes> {
  const list = async (flag: '-4' | '-6'): Promise<string> =>
    (await exec('ip', [flag, 'route', 'show', 'table', 'local'], { timeoutMs: TIMEOUT_MS })).stdout;
  const [ipv4, ipv6, link] = await Promise.all([
    list('-4'),
    list('-6'),
    exec('ip', ['-o', 'link', 'show', 'dev', ENTRY_DEVICE]),
  ]);
  const ours = new Map<string, LiveRoute>();
  const nodeIps = new Set<string>();
  for (const line of `${ipv4}\n${ipv6}`.split('\n')) {
    const [, local, ip] = /^(local )?([0-9a-f.:]+) /.exec(line) ?? [];
    if (ip === undefined) continue;
    if (line.includes(` proto ${ROUTE_PROTOCOL} `)) {
      const device = / dev (\S+)/.exec(line)?.[1] ?? '';
      const source = canonicalIp(/ src (\S+)/.exec(line)?.[1] ?? '');
      ours.set(ip, { type: local === undefined ? 'unicast' : 'local', device, source });
    } else if (local !== undefined) nodeIps.add(ip);
  }
  const isUp = /<(?:.*,)?UP[,>]/.test(link.stdout);
  return { ours, nodeIps, device: link.exitCode !== 0 ? 'absent' : isUp ? 'up' : 'down' };
}

/**
 * Reads everything; what differs is computed from the ruleset later.
 * @param hasNft without nft a node has no guard, nor what stands on it
 * @throws SluiceError `permission`, `failed`
 */
export async function readBeside(
  exec: Exec,
  { tools, hasNft }: { readonly tools: Tools | undefined; readonly hasNft: boolean },
): Promise<(ruleset: Ruleset) => readonly Difference[]> {
  const [{ guard, forward }, routes] = await Promise.all([
    (async () => {
      if (!hasNft) return { guard: undefined, forward: [] };
      const { drops, differences } = await readForwarding(exec, tools);
      return { guard: await readGuard(exec, drops), forward: differences };
    })(),
    readRoutes(exec),
  ]);
  return (ruleset) => [
    ...(guard === undefined ? [] : compareGuard(ruleset, guard.found, guard.frame)),
    // A node that never had an entry has nothing of ours.
    ...(ruleset.entries.length === 0 && guard?.found === undefined ? [] : forward),
    ...compareRoutes(ruleset, routes, hasNft),
  ];
}
