/**
 * Owns the Dataplane of the iptables layout over any nat tables and routes: joins rendering, the two families and the routes. Must not
 * know how a table or a route is written; iptables.ts and memory.ts bring those.
 */
import { SluiceError } from '../../errors.ts';
import type { Family } from '../../model/address.ts';
import { rulesHash } from '../../rules/iptables/rules-hash.ts';
import { hookLine } from '../../rules/iptables/parse.ts';
import { hasFamily, renderChains } from '../../rules/iptables/render.ts';
import type { Ruleset } from '../../rules/ruleset.ts';
import type { ApplyReport, Dataplane, LocalFacts } from '../dataplane.ts';
import type { EntryRoutes } from '../entry-routes.ts';
import { FamilyRules, NOTHING_SENT, type SentCounts } from './family-rules.ts';
import type { NatTable } from './nat-table.ts';

/** What a data plane stands on. */
export interface Ground {
  readonly name: string;
  readonly tables: Readonly<Record<Family, NatTable>>;
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

/**
 * IPv6 is touched only if the ruleset has IPv6 entries or rules of ours are there; where it does not work, the report says so and
 * the rest is applied. IPv4 must work.
 */
export function chainDataplane({ name, tables, routes }: Ground): Dataplane {
  const ipv4 = new FamilyRules(tables.ipv4);
  const ipv6 = new FamilyRules(tables.ipv6);
  let isAdopted = false;

  const adopt = async (): Promise<void> => {
    await Promise.all([ipv4.read(), failureOf(() => ipv6.read()), routes.adopt()]);
    isAdopted = true;
  };

  const applyIpv6 = async (ruleset: Ruleset): Promise<{ sent: SentCounts; failures: readonly string[] }> => {
    if (!ipv6.isPresent && !hasFamily(ruleset, 'ipv6')) return { sent: NOTHING_SENT, failures: [] };
    let sent = NOTHING_SENT;
    const failure = await failureOf(async () => {
      sent = await ipv6.bring(renderChains(ruleset, 'ipv6'));
    });
    return { sent, failures: failure === undefined ? [] : [`IPv6 entries are not forwarded: ${failure}`] };
  };

  const apply = async (ruleset: Ruleset, facts: LocalFacts): Promise<ApplyReport> => {
    if (!isAdopted) await adopt();
    const chains = renderChains(ruleset, 'ipv4');
    const sent4 = await ipv4.bring(chains);
    const { sent: sent6, failures } = await applyIpv6(ruleset);
    const isIpv6Applied = hasFamily(ruleset, 'ipv6') && failures.length === 0;
    const routed = await routes.apply(
      ruleset.entries.map(({ entry }) => entry.ip),
      facts,
    );
    const counts = {
      chainsChanged: sent4.chainsChanged + sent6.chainsChanged,
      chainsRemoved: sent4.chainsRemoved + sent6.chainsRemoved,
      rulesWritten: sent4.rulesWritten + sent6.rulesWritten,
      routesChanged: routed.changed,
    };
    return {
      ...counts,
      unchanged: sent4 === NOTHING_SENT && sent6 === NOTHING_SENT && routed.changed === 0,
      rulesHash: rulesHash([
        ...(hasFamily(ruleset, 'ipv4') ? [chains] : []),
        ...(isIpv6Applied ? [renderChains(ruleset, 'ipv6')] : []),
      ]),
      failures: [...failures, ...routed.failures, ...foreignLines([ipv4, ipv6])],
    };
  };

  return {
    name,
    adopt,
    apply,
    dump: async () => [...(await dumpTables(tables)), ...(await routes.dump()), ''].join('\n'),
    cleanup: async () => {
      await ipv4.remove();
      await failureOf(() => ipv6.read());
      if (ipv6.isPresent) await ipv6.remove();
      await routes.cleanup();
      isAdopted = false;
    },
  };
}

function foreignLines(families: readonly FamilyRules[]): readonly string[] {
  return families.flatMap((family) =>
    family.foreignReferences.map((line) => `a foreign rule refers to a chain of sluice: ${line}`),
  );
}

/** Our rules of both families, chains sorted by name; a family that cannot be read has none. */
async function dumpTables(tables: Ground['tables']): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const family of ['ipv4', 'ipv6'] as const) {
    const read = async (): Promise<void> => {
      const { chains, hooks } = await tables[family].read();
      if (chains.size + hooks.length > 0) lines.push(`# ${family} nat`);
      lines.push(...hooks.map(hookLine).toSorted());
      for (const name of [...chains.keys()].toSorted()) lines.push(`:${name}`, ...(chains.get(name) ?? []));
    };
    await (family === 'ipv4' ? read() : failureOf(read));
  }
  return lines;
}
