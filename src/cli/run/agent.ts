/** Owns the body of `agent`: from flags to what the agent is started with. */
import { applyOnce, readRulesText, type RulesLayout } from '../../agent/once.ts';
import { createAgentMeter } from '../../agent/meter.ts';
import { runAgent } from '../../agent/run.ts';
import { type ResultCode, SluiceError } from '../../errors.ts';
import { DEFAULT_POLICY_FILE } from '../../runtime/policy/load-policy.ts';
import { parseLabels } from '../../model/labels.ts';
import type { AgentFlags } from '../commands/agent.ts';
import { logOf, nodeName } from '../daemon.ts';
import { withFigures } from '../observing.ts';
import { DEFAULT_STATE_DIR } from '../options.ts';
import { writeListing } from '../output/listing.ts';
import type { Session } from '../session.ts';

async function printRules(session: Session, flags: AgentFlags): Promise<ResultCode> {
  const layout: RulesLayout =
    flags.dataplane === 'nftables'
      ? { name: 'nftables', node: nodeName(session, flags.node) }
      : { name: 'iptables' };
  const text = await readRulesText(async () => session.deps.openStore(session.settings), layout);
  await writeListing(session, {
    kind: 'Rules',
    revision: undefined,
    items: [{ format: layout.name === 'nftables' ? 'nft' : 'iptables-restore', text }],
    name: () => 'rules',
    json: (item) => item,
    columns: [],
    text: () => text,
  });
  return 'ok';
}

async function runOnce(session: Session, node: string, flags: AgentFlags): Promise<ResultCode> {
  const openStore = async (): ReturnType<typeof session.deps.openStore> =>
    session.deps.openStore(session.settings);
  const report = await applyOnce({
    node,
    nodeIps: flags.nodeIp ?? [],
    dataplane: flags.dataplane ?? 'auto',
    openStore,
  });
  const isSilent = session.settings.quiet && report.rulesWritten === 0;
  if (!isSilent) {
    await writeListing(session, {
      kind: 'AgentReport',
      revision: report.revision,
      items: [report],
      name: () => `node/${node}`,
      json: (item) => item,
      columns: [
        { name: 'NODE', cell: (item) => item.node },
        { name: 'REVISION', cell: (item) => String(item.revision) },
        { name: 'ENTRIES', cell: (item) => String(item.entries) },
        { name: 'INSTANCES', cell: (item) => String(item.instances) },
        { name: 'WRITTEN', cell: (item) => String(item.rulesWritten) },
        { name: 'RULES', wide: true, cell: (item) => item.rulesHash },
      ],
    });
  }
  if (report.failures.length === 0) return 'ok';
  throw new SluiceError('failed', `${report.failures.length} things could not be applied on node/${node}`, {
    why: report.failures.join('; '),
    fix: 'the rest is applied; correct them and run it again',
    details: { failures: report.failures },
  });
}

/** Runs the agent, or one of its one-shot forms. */
export async function agentBody(session: Session, flags: AgentFlags): Promise<ResultCode> {
  const { deps, settings, signal } = session;
  if (flags.printRules === true && flags.once === true) {
    throw new SluiceError('usage', '--once and --print-rules exclude each other', {
      why: 'one applies the rules, the other prints them and touches nothing',
      fix: 'give one of them',
    });
  }
  if (flags.printRules === true) return printRules(session, flags);
  const node = nodeName(session, flags.node);
  if (flags.once === true) return runOnce(session, node, flags);
  const log = logOf(session, flags.logFormat);
  const options = {
    node,
    stateDir: flags.stateDir ?? DEFAULT_STATE_DIR,
    openStore: async () => deps.openStore(settings),
    nodeIps: flags.nodeIp ?? [],
    labels: parseLabels(flags.label ?? [], '--label'),
    policyFile: flags.policy ?? DEFAULT_POLICY_FILE,
    dataplane: flags.dataplane ?? 'auto',
    log,
    clock: deps.clock,
    random: deps.random,
    signal,
    onResync: deps.onResync,
  } as const;
  await withFigures({ listen: flags.listen, log, meterOn: createAgentMeter }, async (meter) =>
    runAgent({ ...options, meter }),
  );
  return 'ok';
}
