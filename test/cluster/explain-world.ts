/** Owns what the tests of explain start from: a lab whose first node has rules, instances that say their name, and short bursts. */
import { nodeReader } from '../../src/cli/node-reader.ts';
import type { Layout } from '../../src/dataplane/layout-choice.ts';
import { openDataplane } from '../../src/dataplane/open.ts';
import type { Workplace } from '../../src/dev/machine.ts';
import type { LoadResult } from '../../src/dev/load/outcome.ts';
import { startLoad } from '../../src/dev/load/start-load.ts';
import { openPipe } from '../../src/host/pipe.ts';
import { parseEntry } from '../../src/model/entry.ts';
import { explainEntry, type ExplainOptions } from '../../src/ops/explain.ts';
import type { EntryExplanation } from '../../src/rules/explain/explanation.ts';
import type { EntryRules } from '../../src/rules/ruleset.ts';
import { programArgv } from './harness/programs.ts';

/** The entry of these tests. */
const ENTRY = parseEntry('10.96.0.10:80');

/** Rules of the entry. @param targets `IP:PORT=W` */
export function entryRules(targets: readonly string[]): EntryRules {
  return {
    entry: ENTRY,
    service: 'web',
    masquerade: false,
    targets: targets.map((text) => {
      const [, ip = '', port, weight] = /^(.*):(\d+)=(\d+)$/.exec(text) ?? [];
      return { ip, port: Number(port), weight: Number(weight) };
    }),
  };
}

/** Installs rules, and what stands beside them, as an agent would. */
export async function install(
  node: Workplace,
  rules: EntryRules,
  layout: Layout = 'iptables',
): Promise<void> {
  const { dataplane } = await openDataplane({
    asked: layout,
    exec: node.ns.exec,
    openPipe: (file, args, env) => {
      const [program = '', ...rest] = node.ns.enter([file, ...args]);
      return openPipe(program, rest, env);
    },
    node: 'n1',
  });
  await dataplane.apply({ entries: [rules] }, { nodeIpv4: node.address });
}

/** Runs shell lines on a node; a failure fails the test. */
export async function script(node: Workplace, text: string): Promise<string> {
  const { exitCode, stdout, stderr } = await node.run(['sh', '-ec', text]);
  if (exitCode !== 0) throw new Error(`${text}\n${stderr}`);
  return stdout;
}

/** Explains the entry on a node. */
export async function explained(
  node: Workplace,
  rules: EntryRules | undefined,
  options: ExplainOptions = {},
): Promise<EntryExplanation> {
  return explainEntry(nodeReader(node.ns.exec), { entry: ENTRY, rules }, options);
}

/** Connections to the entry, each of which says who answered. */
export async function connections(
  from: Workplace,
  count: number,
  { timeoutMs = 5_000, at = 16 } = {},
): Promise<LoadResult> {
  const pace = { kind: 'concurrency', connections: at } as const;
  const spec = { host: ENTRY.ip, port: ENTRY.port, pace, count, durationMs: 60_000, timeoutMs };
  return (await startLoad(spec, { worker: programArgv('load'), ns: from.ns })).result;
}

/** Starts an instance that answers with its name. */
export async function startInstance(node: Workplace, name: string, port: number): Promise<string> {
  const server = await node.start([...programArgv('instance'), name, node.address, String(port)]);
  await server.waitForOutput(/^listening/);
  return `${node.address}:${port}`;
}
