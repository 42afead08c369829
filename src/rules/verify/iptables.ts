/** Owns holding a listing of the iptables layout, with counters, against the ruleset: byte for byte, chain by chain. Pure. */
import type { Family } from '../../model/address.ts';
import { serviceChainName, serviceChainOf } from '../iptables/chain-names.ts';
import type { Chains } from '../iptables/chains.ts';
import { HOOKS } from '../iptables/fixed-chains.ts';
import { hookLine, parseListing } from '../iptables/parse.ts';
import { hasFamily } from '../families.ts';
import { renderChains } from '../iptables/render.ts';
import type { EntryRules, Ruleset } from '../ruleset.ts';
import type { Comparison, Difference, Tally } from './comparison.ts';

/** Lines of a difference that are shown. */
const SHOWN = 5;

interface Counted {
  /** The listing as without counters. */
  readonly listing: string;
  /** Packets of each line of our chains, in order, by chain. */
  readonly packets: ReadonlyMap<string, readonly number[]>;
}

function withoutCounters(listing: string): Counted {
  const packets = new Map<string, number[]>();
  let table = '';
  const lines = listing.split('\n').map((line) => {
    if (line.startsWith('*')) table = line;
    const match = /^\[(\d+):\d+\] (-A (\S+).*)$/.exec(line);
    if (match === null) return line;
    const [, count, rule = '', chain = ''] = match;
    if (table === '*nat' && chain.startsWith('SLUICE-')) {
      const known = packets.get(chain);
      if (known === undefined) packets.set(chain, [Number(count)]);
      else known.push(Number(count));
    }
    return rule;
  });
  return { listing: lines.join('\n'), packets };
}

const without = (lines: readonly string[], others: readonly string[]): readonly string[] => {
  const set = new Set(others);
  return lines.filter((line) => !set.has(line)).slice(0, SHOWN);
};

function sameLines(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  return a?.length === b?.length && a?.every((line, index) => line === b?.[index]) === true;
}

function difference(
  chain: string,
  service: string | undefined,
  lines: { readonly desired: readonly string[] | undefined; readonly found: readonly string[] | undefined },
): Difference {
  const { desired, found } = lines;
  const missing = without(desired ?? [], found ?? []);
  const unwanted = without(found ?? [], desired ?? []);
  // Neither: the chain itself is missing or too much, or the order differs.
  const isBare = missing.length + unwanted.length === 0;
  return {
    chain,
    service,
    missing: isBare && found === undefined ? [`:${chain}`] : missing,
    unwanted:
      isBare && found !== undefined
        ? desired === undefined
          ? [`:${chain}`]
          : found.slice(0, SHOWN)
        : unwanted,
  };
}

function chainDifferences(
  desired: Chains,
  found: Chains,
  services: ReadonlyMap<string, string>,
): readonly Difference[] {
  const names = new Set([...desired.keys(), ...found.keys()]);
  return [...names]
    .filter((name) => !sameLines(desired.get(name), found.get(name)))
    .toSorted()
    .map((name) => {
      const service = services.get(serviceChainOf(name) ?? '');
      return difference(name, service, { desired: desired.get(name), found: found.get(name) });
    });
}

/** Shares that the lines of a chain give, by the conditional chances that stand in them; undefined where a line chooses nothing. */
function sharesOfLines(lines: readonly string[]): readonly (number | undefined)[] {
  let rest = 1;
  return lines.map((line) => {
    if (!/ -j DNAT | -g /.test(line)) return undefined;
    const chance = Number(/ --probability (\S+)/.exec(line)?.[1] ?? 1);
    const share = rest * chance;
    rest -= share;
    return share;
  });
}

function talliesOf(rules: EntryRules, found: Chains, packets: Counted['packets']): readonly Tally[] {
  const own = serviceChainName(rules.entry);
  return [...found]
    .filter(([name]) => serviceChainOf(name) === own)
    .map(([name, lines]) => {
      const counted = packets.get(name) ?? [];
      const choices = sharesOfLines(lines).flatMap((share, index) =>
        share === undefined ? [] : [{ share, count: counted[index] ?? 0 }],
      );
      return {
        entry: rules.entry,
        service: rules.service,
        counts: choices.map(({ count }) => count),
        shares: choices.map(({ share }) => share),
        isWhole: name === own,
      };
    })
    .filter(({ counts }) => counts.length > 0);
}

/**
 * Compares one family.
 * @param listing what `iptables-save -c` prints of the variant that the agent uses
 * @throws SluiceError `failed` if the table cannot be printed by iptables
 */
export function compareIptables(ruleset: Ruleset, family: Family, listing: string): Comparison {
  const { listing: plain, packets } = withoutCounters(listing);
  const installed = parseListing(plain);
  if (!hasFamily(ruleset, family) && installed.chains.size === 0) return { differences: [], tallies: [] };
  const entries = ruleset.entries.filter(({ entry }) => entry.ip.includes(':') === (family === 'ipv6'));
  const services = new Map(entries.map(({ entry, service }) => [serviceChainName(entry), service]));
  const hooks = HOOKS.filter((hook) => !installed.hooks.includes(hook)).map((hook): Difference => ({
    chain: hook.builtin,
    service: undefined,
    missing: [hookLine(hook)],
    unwanted: [],
  }));
  return {
    differences: [...hooks, ...chainDifferences(renderChains(ruleset, family), installed.chains, services)],
    tallies: talliesOfAll(entries, installed.chains, packets),
  };
}

function talliesOfAll(
  entries: readonly EntryRules[],
  found: Chains,
  packets: Counted['packets'],
): readonly Tally[] {
  const byService = new Map<string, Map<string, readonly string[]>>();
  for (const [name, lines] of found) {
    const own = serviceChainOf(name);
    if (own === undefined) continue;
    const chains = byService.get(own) ?? new Map<string, readonly string[]>();
    byService.set(own, chains.set(name, lines));
  }
  return entries.flatMap((rules) =>
    talliesOf(rules, byService.get(serviceChainName(rules.entry)) ?? new Map(), packets),
  );
}
