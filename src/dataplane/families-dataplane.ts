/**
 * Owns the Dataplane over the rules of two IP families and the routes, whatever the layout. Must not know how a rule or a route is written;
 * iptables.ts, nftables.ts and memory.ts bring those.
 */
import { SluiceError } from '../errors.ts';
import type { Family } from '../model/address.ts';
import { changedItems } from '../rules/changed-items.ts';
import { entriesOf, hasFamily } from '../rules/families.ts';
import { createRulesHash } from '../rules/rules-hash.ts';
import type { EntryRules, Ruleset } from '../rules/ruleset.ts';
import type { ApplyReport, Dataplane, LocalFacts } from './dataplane.ts';
import type { EntryRoutes } from './entry-routes.ts';
import { type FamilyRules, NOTHING_SENT, type SentCounts, sumCounts } from './family-rules.ts';

/** How the failure begins that says that the rules of IPv6 are not in. */
export const IPV6_FAILED = 'IPv6 entries are not forwarded';

/** What a data plane stands on. */
export interface Ground {
  readonly name: string;
  readonly families: Readonly<Record<Family, FamilyRules>>;
  readonly routes: EntryRoutes;
}

/** Runs an attempt; its failure as one line instead of an error, but for bugs. */
async function failureOf(attempt: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await attempt();
    return undefined;
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code === 'internal') throw error;
    return [error.message, error.why].filter((part) => part !== undefined).join(': ');
  }
}

/** Addresses of entries, the very list of the last call where they are the same: nothing is read then of entries that did not change. */
function createAddresses(): (entries: readonly EntryRules[]) => readonly string[] {
  let last: { readonly entries: readonly EntryRules[]; readonly ips: readonly string[] } = {
    entries: [],
    ips: [],
  };
  return (entries) => {
    const { gone, come } = changedItems(last.entries, entries);
    const isSame =
      gone.length === come.length && gone.every((rules, at) => rules.entry.ip === come[at]?.entry.ip);
    last = { entries, ips: isSame ? last.ips : entries.map(({ entry }) => entry.ip) };
    return last.ips;
  };
}

/** What an attempt gives; undefined if it fails, but for bugs. */
async function answerOf<T>(attempt: () => Promise<T>): Promise<T | undefined> {
  let answer: T | undefined;
  await failureOf(async () => {
    answer = await attempt();
  });
  return answer;
}

/**
 * IPv6 is touched only if the ruleset has IPv6 entries or rules of ours are there; where it does not work, the report says so and
 * the rest is applied. IPv4 must work.
 */
export function familiesDataplane({ name, families: { ipv4, ipv6 }, routes }: Ground): Dataplane {
  let isAdopted = false;
  const hashOf = createRulesHash();
  const addressesOf = createAddresses();

  const adopt = async (): Promise<void> => {
    await Promise.all([ipv4.read(), failureOf(() => ipv6.read()), routes.adopt()]);
    isAdopted = true;
  };

  const applyIpv6 = async (
    ruleset: Ruleset,
    ready: Promise<unknown>,
  ): Promise<{ sent: SentCounts; failures: readonly string[] }> => {
    if (!ipv6.isPresent && !hasFamily(ruleset, 'ipv6')) return { sent: NOTHING_SENT, failures: [] };
    let sent = NOTHING_SENT;
    const failure = await failureOf(async () => {
      sent = await ipv6.bring(ruleset, ready);
    });
    return { sent, failures: failure === undefined ? [] : [`${IPV6_FAILED}: ${failure}`] };
  };

  const apply = async (
    ruleset: Ruleset,
    facts: LocalFacts,
    ready: Promise<unknown> = Promise.resolve(),
  ): Promise<ApplyReport> => {
    if (!isAdopted) await adopt();
    const bringing = ipv4.bring(ruleset, ready);
    // While the kernel works: kept for later, since a hash remembers what it was asked for last.
    hashOf(ruleset.entries);
    addressesOf(ruleset.entries);
    const sent4 = await bringing;
    const { sent: sent6, failures } = await applyIpv6(ruleset, ready);
    const isWhole = failures.length === 0 || !hasFamily(ruleset, 'ipv6');
    const routed = await routes.apply(addressesOf(ruleset.entries), facts);
    const counts = { ...sumCounts([sent4, sent6]), routesChanged: routed.changed };
    return {
      ...counts,
      unchanged: sent4 === NOTHING_SENT && sent6 === NOTHING_SENT && routed.changed === 0,
      rulesHash: hashOf(isWhole ? ruleset.entries : entriesOf(ruleset, 'ipv4')),
      failures: [...failures, ...routed.failures, ...ipv4.notices, ...ipv6.notices],
    };
  };

  return {
    name,
    adopt,
    apply,
    dump: async () => {
      const rules = [...(await ipv4.dump()), ...((await answerOf(() => ipv6.dump())) ?? [])];
      return [...rules, ...(await routes.dump()), ''].join('\n');
    },
    counters: async () => [...(await ipv4.counters()), ...((await answerOf(() => ipv6.counters())) ?? [])],
    cleanup: async () => {
      await ipv4.remove();
      await failureOf(() => ipv6.read());
      if (ipv6.isPresent) await ipv6.remove();
      await routes.cleanup();
      isAdopted = false;
    },
  };
}
