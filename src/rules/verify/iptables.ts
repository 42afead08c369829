/** Owns holding a listing of the iptables layout, with counters, against the ruleset: byte for byte, chain by chain. Pure. */
import type { Family } from '../../model/address.ts';
import { serviceChainName, serviceChainOf } from '../iptables/chain-names.ts';
import type { Chains } from '../iptables/chains.ts';
import { HOOKS } from '../iptables/fixed-chains.ts';
import { hookLine, parseListing } from '../iptables/parse.ts';
import { hasFamily, renderChains } from '../iptables/render.ts';
import type { EntryRules, Ruleset } from '../ruleset.ts';
import { REPAIR } from '../explain/finding.ts';
import type { Comparison, Difference, Tally } from './comparison.ts';
import { chainDifferences } from './lines.ts';

/** Packets of each line of the chains of services, in order, by chain. */
type Packets = ReadonlyMap<string, readonly number[]>;

/** The lines of chains of services, wherever they stand: no other table has chains of these names. */
const COUNTED = /^\[(\d+):\d+\] -A (SLUICE-S-\S+) /gm;

function packetsIn(listing: string): Packets {
  const packets = new Map<string, number[]>();
  for (const [, count, chain = ''] of listing.matchAll(COUNTED)) {
    const known = packets.get(chain);
    if (known === undefined) packets.set(chain, [Number(count)]);
    else known.push(Number(count));
  }
  return packets;
}

const withoutCounters = (listing: string): string => listing.replaceAll(/^\[\d+:\d+\] /gm, '');

/** Shares that the lines of a chain give, by the conditional chances that stand in them; undefined where a line chooses nothing. */
function sharesOfLines(lines: readonly string[]): readonly (number | undefined)[] {
  let rest = 1;
  return lines.map((line) => {
    // A rule that asks whether it knows the client (session affinity) chooses nothing.
    if (!/ -j DNAT | -g /.test(line) || line.includes(' --update ')) return undefined;
    const chance = Number(/ --probability (\S+)/.exec(line)?.[1] ?? 1);
    const share = rest * chance;
    rest -= share;
    return share;
  });
}

/** What the rules of a chain that translate, or lead to one that does, counted. */
function connectionsOf(lines: readonly string[], counted: readonly number[]): number {
  return lines.reduce((sum, line, at) => sum + (/ -j DNAT | -g /.test(line) ? (counted[at] ?? 0) : 0), 0);
}

/** An entry with the name of its chain, which costs a hash. */
interface Named {
  readonly own: string;
  readonly rules: EntryRules;
}

function talliesOf(
  { own, rules: { entry, service } }: Named,
  chains: ReadonlyMap<string, readonly string[]>,
  packets: Packets,
): readonly Tally[] {
  return [...chains].flatMap(([name, lines]) => {
    const counted = packets.get(name) ?? [];
    const choices = sharesOfLines(lines).flatMap((share, index) =>
      share === undefined ? [] : [{ share, count: counted[index] ?? 0 }],
    );
    if (choices.length === 0) return [];
    return {
      entry,
      service,
      connections: name === own ? connectionsOf(lines, counted) : 0,
      counts: choices.map(({ count }) => count),
      shares: choices.map(({ share }) => share),
      how: { kind: 'chance' },
    };
  });
}

/**
 * Compares one family.
 * @param listing what `iptables-save -c` prints of the variant that the agent uses
 * @throws SluiceError `failed` if the table cannot be printed by iptables
 */
export function compareIptables(ruleset: Ruleset, family: Family, listing: string): Comparison {
  const installed = parseListing(withoutCounters(listing));
  if (!hasFamily(ruleset, family) && installed.chains.size === 0) return { differences: [], tallies: [] };
  const entries = ruleset.entries.filter(({ entry }) => entry.ip.includes(':') === (family === 'ipv6'));
  const named = entries.map((rules): Named => ({ own: serviceChainName(rules.entry), rules }));
  const services = new Map(named.map(({ own, rules }) => [own, rules.service]));
  const hooks = HOOKS.filter((hook) => !installed.hooks.includes(hook)).map((hook): Difference => ({
    part: 'rules',
    chain: hook.builtin,
    service: undefined,
    missing: [hookLine(hook)],
    unwanted: [],
    fix: REPAIR,
  }));
  return {
    differences: [
      ...hooks,
      ...chainDifferences(renderChains(ruleset, family), installed.chains, (name) => ({
        part: 'rules',
        service: services.get(serviceChainOf(name) ?? ''),
      })),
    ],
    tallies: talliesOfAll(named, installed.chains, packetsIn(listing)),
  };
}

function talliesOfAll(named: readonly Named[], found: Chains, packets: Packets): readonly Tally[] {
  const byService = new Map<string, Map<string, readonly string[]>>();
  for (const [name, lines] of found) {
    const own = serviceChainOf(name);
    if (own === undefined) continue;
    const chains = byService.get(own) ?? new Map<string, readonly string[]>();
    byService.set(own, chains.set(name, lines));
  }
  return named.flatMap((one) => talliesOf(one, byService.get(one.own) ?? new Map(), packets));
}
