/** Owns reading what verify compares: our rules with their counters in the layout that is installed, and what stands beside them. Reads only. */
import { SluiceError } from '../../errors.ts';
import type { Exec } from '../../host/exec.ts';
import { ifInstalled } from '../../host/if-installed.ts';
import type { Family } from '../../model/address.ts';
import { nftFamily, TABLE } from '../../rules/nftables/names.ts';
import { REPAIR } from '../../rules/explain/finding.ts';
import type { Ruleset } from '../../rules/ruleset.ts';
import type { Comparison, Difference } from '../../rules/verify/comparison.ts';
import { compareIptables } from '../../rules/verify/iptables.ts';
import { compareNftables } from '../../rules/verify/nftables.ts';
import { detectTools, hasOurChains, type Tools } from '../iptables/variant.ts';
import type { Layout } from '../layout-choice.ts';
import { hasOurTable } from '../nftables/probe.ts';
import { readBeside } from './beside.ts';
import { readOurNftables } from './our-nftables.ts';

/** What is installed, ready to be compared. */
export interface InstalledRules {
  /** e.g. 'iptables-nft' */
  readonly layout: string;
  /** Rules of ours are there, of any layout. */
  readonly isNode: boolean;
  readonly compare: (ruleset: Ruleset, family: Family) => Comparison;
  /** Differences of what is not of a family's rules: guard, FORWARD, routes, rules of a layout that is not used. */
  readonly beside: (ruleset: Ruleset) => readonly Difference[];
}

/** What an agent of this machine says of itself. */
export interface AgentFacts {
  readonly node: string;
  /** One that runs no more says nothing sure: somebody may have applied rules by hand since, for another name or in another layout. */
  readonly running: boolean;
  readonly dataplane?: string | undefined;
}

type Compare = InstalledRules['compare'];

async function readIptables(exec: Exec, tools: Tools): Promise<Compare> {
  const read = async (family: Family): Promise<string> => {
    const program = tools.program(family, 'save');
    const args = tools.variant === 'nft' ? ['-c', '-t', 'nat'] : ['-c'];
    const { exitCode, stdout, stderr } = await exec(program, args, { timeoutMs: 60_000 });
    if (exitCode === 0) return stdout;
    const why = stderr.trim().split('\n')[0];
    const isRefused = /permission denied|operation not permitted|must be root/i.test(stderr);
    throw new SluiceError(isRefused ? 'permission' : 'failed', `${program} failed`, {
      why,
      fix: isRefused ? 'run it as root' : undefined,
    });
  };
  const [ipv4, ipv6] = await Promise.all([read('ipv4'), read('ipv6')]);
  const listings = { ipv4, ipv6 };
  return (ruleset, family) => compareIptables(ruleset, family, listings[family]);
}

async function readNftables(exec: Exec, node: string | undefined): Promise<Compare> {
  const [ipv4, ipv6] = await Promise.all([readOurNftables(exec, 'ipv4'), readOurNftables(exec, 'ipv6')]);
  const live = { ipv4, ipv6 };
  return (ruleset, family) => compareNftables(ruleset, family, { ...live[family], node });
}

interface Found {
  readonly tools: Tools | undefined;
  readonly hasNft: boolean;
  readonly installed: readonly Layout[];
}

async function look(exec: Exec): Promise<Found> {
  const [tools, nft, hasTable] = await Promise.all([
    ifInstalled(async () => detectTools(exec)),
    ifInstalled(async () => exec('nft', ['--version'])),
    hasOurTable(exec),
  ]);
  const hasChains = tools !== undefined && (await hasOurChains(exec, tools));
  return {
    tools,
    hasNft: nft?.exitCode === 0,
    installed: [...(hasChains ? ['iptables' as const] : []), ...(hasTable ? ['nftables' as const] : [])],
  };
}

/** The layout that should be there: what an agent that runs says; else what is there, where both are the one that packets meet first. */
function layoutOf({ tools, installed }: Found, agent: AgentFacts | undefined): Layout {
  const said = agent?.dataplane?.startsWith('nft') === true ? 'nftables' : 'iptables';
  if (agent?.dataplane !== undefined && (said === 'nftables' || tools !== undefined)) return said;
  if (installed.includes('nftables') || tools === undefined) return 'nftables';
  return 'iptables';
}

function leftovers({ installed }: Found, layout: Layout): readonly Difference[] {
  return installed
    .filter((other) => other !== layout)
    .map((other) => {
      const what = other === 'iptables' ? 'chains SLUICE-*' : `table ${nftFamily('ipv4')} ${TABLE}`;
      const chain = `rules of the layout ${other}`;
      return { part: 'leftovers', chain, service: undefined, missing: [], unwanted: [what], fix: REPAIR };
    });
}

/**
 * Reads both families.
 * @param local what the status file of this machine's agent says; undefined if there is none
 * @throws SluiceError `config`, `permission`, `failed`
 */
export async function readInstalled(exec: Exec, local: AgentFacts | undefined): Promise<InstalledRules> {
  const agent = local?.running === true ? local : undefined;
  const found = await look(exec);
  const { tools, hasNft } = found;
  const layout = layoutOf(found, agent);
  if (tools === undefined && !hasNft) await detectTools(exec);
  const isIptables = layout === 'iptables' && tools !== undefined;
  const [compare, beside] = await Promise.all([
    isIptables ? readIptables(exec, tools) : readNftables(exec, agent?.node),
    readBeside(exec, { tools, hasNft }),
  ]);
  return {
    layout: isIptables ? `iptables-${tools.variant}` : 'nftables',
    isNode: found.installed.length > 0,
    compare,
    beside: (ruleset) => [...leftovers(found, layout), ...beside(ruleset)],
  };
}
