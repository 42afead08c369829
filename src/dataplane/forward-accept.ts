/**
 * Owns one rule per family in the filter table of iptables, on nodes where FORWARD drops what nobody accepts (docker sets that policy): it
 * accepts the packets that the guard marked. An accept in a table of our own would not save them from the drop in another. The rule stands
 * last, so that it overrides the policy and nothing that somebody forbade. Tables that are not there are not made by looking.
 */
import type { Exec } from '../host/exec.ts';
import { ifInstalled } from '../host/if-installed.ts';
import type { Family } from '../model/address.ts';
import { FORWARDED_MARK } from '../rules/guard/guard-text.ts';
import type { Dataplane } from './dataplane.ts';
import type { Tools } from './iptables/variant.ts';

const FAMILIES = ['ipv4', 'ipv6'] as const;
/** The rule, as iptables prints it after `-A`. */
export const FORWARD_RULE = `FORWARD -m comment --comment sluice -m mark --mark ${FORWARDED_MARK}/${FORWARDED_MARK} -j ACCEPT`;
const WAIT = ['-w', '5', '-t', 'filter'] as const;
/** Where legacy says which tables there are; asking iptables would make one. */
const LEGACY_TABLES: Readonly<Record<Family, string>> = {
  ipv4: '/proc/net/ip_tables_names',
  ipv6: '/proc/net/ip6_tables_names',
};

/** The FORWARD chain of one family. */
export interface Forward {
  readonly drops: boolean;
  /** How often our rule stands there. */
  readonly rules: number;
}

/** Keeps the rule where it is needed, in the namespace that `exec` runs in. */
export interface ForwardAccept {
  /** True if the chain of a family drops: then packets must carry the mark that the rule accepts. */
  readonly isNeeded: () => Promise<boolean>;
  /** @returns whether something was changed, and what could not be */
  readonly apply: () => Promise<{ readonly changed: boolean; readonly failures: readonly string[] }>;
  /** Looks again. */
  readonly adopt: () => Promise<void>;
  readonly cleanup: () => Promise<void>;
}

/** Looks at the FORWARD chain of one family. */
export async function readForward(exec: Exec, tools: Tools, family: Family): Promise<Forward> {
  if (tools.variant === 'legacy') {
    const { stdout } = await exec('cat', [LEGACY_TABLES[family]]);
    if (!stdout.split('\n').includes('filter')) return { drops: false, rules: 0 };
  }
  // Where there is no ip6tables, nobody has set a policy with it.
  const result = await ifInstalled(async () => exec(tools.program(family), [...WAIT, '-S', 'FORWARD']));
  const lines = (result?.stdout ?? '').split('\n');
  return {
    drops: lines.includes('-P FORWARD DROP'),
    rules: lines.filter((line) => line === `-A ${FORWARD_RULE}`).length,
  };
}

/** Opens it for one variant of iptables. */
export function openForwardAccept(exec: Exec, tools: Tools): ForwardAccept {
  /** By family, in their order; undefined: look. */
  let known: readonly Forward[] | undefined;

  const look = async (): Promise<readonly Forward[]> => {
    known ??= await Promise.all(FAMILIES.map(async (family) => readForward(exec, tools, family)));
    return known;
  };

  /** Brings the number of our rules from what it is to what it should be. */
  const bring = async (family: Family, rules: number, wanted: number): Promise<string | undefined> => {
    const verb = rules < wanted ? '-A' : '-D';
    for (let left = Math.abs(rules - wanted); left > 0; left -= 1) {
      const { exitCode, stderr } = await exec(tools.program(family), [
        ...WAIT,
        verb,
        ...FORWARD_RULE.split(' '),
      ]);
      if (exitCode !== 0)
        return `forwarded connections to entries may be dropped: ${stderr.trim().split('\n')[0]}`;
    }
    return undefined;
  };

  return {
    isNeeded: async () => (await look()).some(({ drops }) => drops),
    adopt: async () => {
      known = undefined;
      await look();
    },
    apply: async () => {
      const before = await look();
      const done = await Promise.all(
        FAMILIES.map(async (family, at) => {
          const { drops, rules } = before[at] ?? { drops: false, rules: 0 };
          const wanted = drops ? 1 : 0;
          return { drops, changed: rules !== wanted, failure: await bring(family, rules, wanted) };
        }),
      );
      const failures = done.flatMap(({ failure }) => failure ?? []);
      known = failures.length > 0 ? undefined : done.map(({ drops }) => ({ drops, rules: drops ? 1 : 0 }));
      return { changed: done.some(({ changed }) => changed), failures };
    },
    cleanup: async () => {
      for (const family of FAMILIES) {
        const { rules } = await readForward(exec, tools, family);
        await bring(family, rules, 0);
      }
      known = undefined;
    },
  };
}

/** A data plane whose forwarded connections pass a FORWARD chain that drops. */
export function forwarding(dataplane: Dataplane, accept: ForwardAccept): Dataplane {
  return {
    ...dataplane,
    adopt: async () => {
      await Promise.all([accept.adopt(), dataplane.adopt()]);
    },
    apply: async (ruleset, facts, ready) => {
      const report = await dataplane.apply(ruleset, facts, ready);
      const { changed, failures } = await accept.apply();
      return {
        ...report,
        unchanged: report.unchanged && !changed,
        failures: [...report.failures, ...failures],
      };
    },
    cleanup: async () => {
      await accept.cleanup();
      await dataplane.cleanup();
    },
  };
}
