/**
 * Owns what tests of nodes under faults share: an agent and a listed instance on each of five nodes, all forwarding to all, and watching when the rules of the
 * others let go of a node.
 */
import type { Child } from '../../../src/dev/child.ts';
import { startLoad } from '../../../src/dev/load/start-load.ts';
import type { LoadResult } from '../../../src/dev/load/outcome.ts';
import type { Workplace } from '../../../src/dev/machine.ts';
import { waitUntil } from '../../../src/host/wait.ts';
import { waitConverged } from '../../../src/ops/converge.ts';
import { publish } from '../../../src/ops/publish.ts';
import { type LabStore, openLabStore, specOf, startAgent } from './control.ts';
import type { Lab } from './lab.ts';
import { programArgv } from './programs.ts';

const ENTRY = { ip: '10.96.0.20', port: 80 };
const PORT = 8080;
/** Clients give up after so long. */
const CLIENT_WAITS_MS = 4_000;

/** Load under way. */
export interface PeersLoad {
  readonly stop: () => Promise<LoadResult>;
}

/** The lab with its agents. */
export interface PeersWorld {
  readonly control: LabStore;
  /** Starts the instance of a node, by its number from 1. */
  readonly serve: (node: number) => Promise<void>;
  /** Starts the agent of a node; resolves when it is announced. */
  readonly start: (node: number) => Promise<Child>;
  /** The agent of a node that was started last. */
  readonly agent: (node: number) => Child;
  /** Waits until the rules of these nodes have changed as to a node after a moment. @returns milliseconds from then to the last of them */
  readonly until: (
    what: 'gone' | 'back',
    change: { readonly nodes: readonly number[]; readonly fromMs: number; readonly timeoutMs: number },
  ) => Promise<number>;
  /** How many instances the rules of a node forward to. */
  readonly forwarded: (node: number) => Promise<number>;
  /** New connections to the entry from a node, by clients that wait four seconds. */
  readonly load: (node: number, perSecond: number) => Promise<PeersLoad>;
  readonly close: () => Promise<void>;
}

const SAID = { gone: /nodes are out of reach/, back: /nodes answer again/ } as const;
const timeOf = (line: string): number => Date.parse(line.slice(0, 24));

/** When an agent had rules that show what it had said before, after a moment; undefined: not yet. */
function appliedAfter(agent: Child, what: 'gone' | 'back', fromMs: number): number | undefined {
  const lines = agent
    .stderr()
    .split('\n')
    .filter((line) => timeOf(line) >= fromMs);
  const said = lines.findIndex((line) => SAID[what].test(line));
  if (said < 0) return undefined;
  const applied = lines.slice(said).find((line) => line.includes('rules applied'));
  return applied === undefined ? undefined : timeOf(applied);
}

async function forwardedBy(node: Workplace): Promise<number> {
  const { stdout, exitCode, stderr } = await node.run(['iptables-nft-save', '-t', 'nat']);
  if (exitCode !== 0) throw new Error(`the rules of ${node.name} cannot be read: ${stderr}`);
  return [...stdout.matchAll(/--to-destination \S+/g)].length;
}

async function startInstance(node: Workplace): Promise<void> {
  const server = await node.start([...programArgv('instance'), node.name, node.address, String(PORT)]);
  await server.waitForOutput(/^listening/);
}

/** Starts everything; every node forwards to every instance when this resolves, and those that ask know whom they reach. */
export async function openPeersWorld(lab: Lab): Promise<PeersWorld> {
  const control = await openLabStore(lab);
  const agents = new Map<number, Child>();
  const start = async (i: number): Promise<Child> => {
    const agent = await startAgent(lab, lab.node(i), { dataplane: 'iptables' });
    agents.set(i, agent);
    return agent;
  };
  const agentOf = (i: number): Child => {
    const agent = agents.get(i);
    if (agent === undefined) throw new Error(`no agent was started on node ${i}`);
    return agent;
  };
  await Promise.all(
    lab.nodes.map(async (node, index) => {
      await startInstance(node);
      await start(index + 1);
    }),
  );
  const instances = lab.nodes.map(({ address }) => `${address}:${PORT}`);
  const report = await publish(control.deps, [specOf('web', `${ENTRY.ip}:${ENTRY.port}`, instances)]);
  await waitConverged(control.deps, report.revision ?? 0, { timeoutMs: 20_000 });
  return {
    control,
    serve: async (i) => {
      await startInstance(lab.node(i));
    },
    start,
    agent: agentOf,
    until: async (what, { nodes, fromMs, timeoutMs }) => {
      const times = await waitUntil(
        () => {
          const all = nodes.flatMap((i) => appliedAfter(agentOf(i), what, fromMs) ?? []);
          return all.length === nodes.length ? all : undefined;
        },
        { what: `the rules of nodes ${nodes.join(', ')}: ${what}`, timeoutMs, everyMs: 50 },
      );
      return Math.max(...times) - fromMs;
    },
    forwarded: async (i) => await forwardedBy(lab.node(i)),
    load: async (i, perSecond) => {
      const pace = { kind: 'rate', perSecond } as const;
      const rest = {
        count: 1_000_000,
        durationMs: 300_000,
        timeoutMs: CLIENT_WAITS_MS,
        slowMs: CLIENT_WAITS_MS,
      };
      const run = await startLoad(
        { host: ENTRY.ip, port: ENTRY.port, pace, ...rest },
        { worker: programArgv('load'), ns: lab.node(i).ns },
      );
      return { stop: async () => await run.stop() };
    },
    close: async () => {
      await Promise.all([...agents.values()].map(async (agent) => await agent.stop('SIGKILL')));
      await control.close();
    },
  };
}
