/** Owns the one-shot forms of the agent: apply once, print the rules, remove every trace. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { ApplyReport } from '../dataplane/dataplane.ts';
import type { AskedLayout } from '../dataplane/layout-choice.ts';
import { openDataplane, type OpenedDataplane } from '../dataplane/open.ts';
import { SluiceError } from '../errors.ts';
import { exec } from '../host/exec.ts';
import { agentStatusPath } from '../host/agent-status.ts';
import { printRules } from '../rules/iptables/print.ts';
import { printNftRules } from '../rules/nftables/print.ts';
import { rulesetOf } from '../rules/ruleset-of.ts';
import { AGENT_RANGE } from '../store/keys.ts';
import { snapshotOf, type SnapshotView } from '../store/snapshot.ts';
import type { Store } from '../store/store.ts';
import { cleanUpInstances, type InstanceCleanup } from './instances/clean-up.ts';
import { findNodeAddresses } from './node-ip.ts';
import { keptFiles } from './kept-lines.ts';
import type { AgentOnceReport } from './options.ts';
import { snapshotFiles } from './saved-snapshot.ts';
import { takeSingleAgent } from './single.ts';

/** Budget of the listing: 10,000 services take about a second; a store that is away is told after this time. */
const LIST_MS = 4_000;

/** Lists everything rules are made from; the store is closed after. */
async function readView(openStore: () => Promise<Store>): Promise<SnapshotView> {
  const store = await openStore();
  try {
    const { items, revision } = await store.list(AGENT_RANGE, { timeoutMs: LIST_MS });
    return snapshotOf(items, revision);
  } finally {
    await store.close();
  }
}

/** A layout to print rules in; the phases of nftables' rules differ by node. */
export type RulesLayout =
  { readonly name: 'iptables' } | { readonly name: 'nftables'; readonly node: string };

/**
 * The rules that this store asks for, as text for iptables-restore or nft; touches no kernel.
 * @throws SluiceError `unavailable`, `failed` if a stored record cannot be read
 */
export async function readRulesText(openStore: () => Promise<Store>, layout: RulesLayout): Promise<string> {
  const { snapshot, invalid } = await readView(openStore);
  if (invalid[0] !== undefined) {
    throw new SluiceError('failed', `${invalid.length} stored records cannot be read`, {
      why: `${invalid[0].key}: ${invalid[0].why}`,
      fix: 'publish the service again',
      details: { invalid },
    });
  }
  const ruleset = rulesetOf(snapshot);
  return layout.name === 'nftables' ? printNftRules(ruleset, layout.node) : printRules(ruleset);
}

/** What `applyOnce` needs. */
export interface OnceOptions {
  readonly node: string;
  readonly nodeIps: readonly string[];
  readonly dataplane: AskedLayout;
  readonly openStore: () => Promise<Store>;
}

async function withDataplane<T>(
  { dataplane: asked, node }: Pick<OnceOptions, 'dataplane' | 'node'>,
  act: (opened: OpenedDataplane) => Promise<T>,
): Promise<T> {
  const single = await takeSingleAgent();
  try {
    const opened = await openDataplane({ asked, exec, node });
    await opened.dataplane.adopt();
    return await act(opened);
  } finally {
    await single.release();
  }
}

/**
 * Brings this node's kernel to what the store says now, and ends. Acknowledges nothing: there is no agent to keep it true.
 * @throws SluiceError `locked` if an agent runs, `unavailable`, `permission`, `failed`
 */
export async function applyOnce(options: OnceOptions): Promise<AgentOnceReport> {
  const view = await readView(options.openStore);
  const ruleset = rulesetOf(view.snapshot);
  const report: ApplyReport = await withDataplane(options, async ({ dataplane }) => {
    const { primary } = await findNodeAddresses(options.nodeIps, exec);
    return await dataplane.apply(ruleset, primary);
  });
  return {
    node: options.node,
    revision: view.snapshot.revision,
    entries: ruleset.entries.length,
    instances: ruleset.entries.reduce((sum, { targets }) => sum + targets.length, 0),
    rulesWritten: report.rulesWritten,
    rulesHash: report.rulesHash,
    failures: [...view.invalid.map(({ key, why }) => `${key}: ${why}`), ...report.failures],
  };
}

/**
 * Removes every rule, route and file of ours from this node; programs on it that used entries lose them. Instances first: while some run
 * that nobody asked to end, nothing is touched.
 * @throws SluiceError `locked` if an agent still runs, `conflict` if instances do, `permission`, `failed`
 */
export async function cleanUpNode(options: InstanceCleanup): Promise<void> {
  const { stateDir } = options;
  await withDataplane({ dataplane: 'auto', node: '' }, async ({ dataplane, refusals }) => {
    if (existsSync(stateDir)) await cleanUpInstances(options);
    await dataplane.cleanup();
    await refusals.hold([]);
  });
  for (const file of [...snapshotFiles(stateDir), agentStatusPath(stateDir), ...keptFiles(stateDir)]) {
    await rm(file, { force: true }).catch((cause: unknown) => {
      throw new SluiceError('failed', `cannot remove ${file}`, { why: String(cause), cause });
    });
  }
}
