/** Owns what tests and the benchmark of healing share: a node with an agent and a client on it, and what strangers do to its tables. */
import { waitUntil } from '../../../src/host/wait.ts';
import type { Child } from '../../../src/dev/child.ts';
import type { Workplace } from '../../../src/dev/machine.ts';
import { waitConverged } from '../../../src/ops/converge.ts';
import { publish } from '../../../src/ops/publish.ts';
import { type LabStore, openLabStore, specOf, startAgent } from './control.ts';
import type { HoldReport } from './hold.ts';
import type { Lab } from './lab.ts';
import { programArgv } from './programs.ts';

/** What strangers do, by name; each a script that runs on the node. */
export const STRANGERS: Readonly<Record<string, string>> = {
  'iptables -t nat -F': 'iptables-nft -t nat -F',
  'nft flush ruleset': 'nft flush ruleset',
  'deleted jump': 'iptables-nft -t nat -D OUTPUT -j SLUICE-ENTRIES',
  'inserted rule': 'iptables-nft -t nat -I SLUICE-TCP -j RETURN',
};

/** A node that heals. */
export interface HealWorld {
  readonly node: Workplace;
  readonly agent: Child;
  readonly control: LabStore;
  /** Runs a script on the node; fails if it fails. */
  readonly script: (text: string) => Promise<string>;
  /** Everything of sluice in the node's tables, without counters. */
  readonly ours: () => Promise<string>;
  readonly close: () => Promise<void>;
}

/** How the agent of a world is started. */
export interface HealAgent {
  readonly dataplane?: string;
  /** Environment in front of its own, `NAME=VALUE`. */
  readonly env?: readonly string[];
  /** What its log says when it has come up. */
  readonly says?: string;
}

/** Publishes `services` services (the first has two instances that answer) and starts the agent of node 1. */
export async function startHealWorld(
  lab: Lab,
  services: number,
  { says = 'watching for changes', ...how }: HealAgent = {},
): Promise<HealWorld> {
  const control = await openLabStore(lab);
  const [node, server] = [lab.node(1), lab.node(2)];
  for (const i of [1, 2]) {
    const instance = await server.start([...programArgv('instance'), `i${i}`, server.address, `808${i}`]);
    await instance.waitForOutput(/^listening/);
  }
  const instances = [`${server.address}:8081`, `${server.address}:8082`];
  const specs = Array.from({ length: services }, (_, at) =>
    specOf(`s${at}`, `10.96.${at >> 8}.${at & 255}:80`, instances),
  );
  const { revision } = await publish(control.deps, specs);
  const agent = await startAgent(lab, node, how);
  await waitConverged(control.deps, revision, { timeoutMs: 60_000 });
  await waitUntil(() => agent.stderr().includes(says), {
    what: `the agent to say ${says}`,
    timeoutMs: 20_000,
    facts: () => agent.stderr(),
  });
  const script = async (text: string): Promise<string> => {
    const { exitCode, stdout, stderr } = await node.run(['sh', '-ec', text], { timeoutMs: 60_000 });
    if (exitCode !== 0) throw new Error(`${text}: ${stderr}`);
    return stdout;
  };
  return {
    node,
    agent,
    control,
    script,
    ours: async () => {
      const text = await script(
        `iptables-nft-save -t nat; nft -s list table inet sluice_guard 2>&1 || true; nft -s -t list table ip sluice 2>&1 || true
        nft -s list map ip sluice entries 2>&1 || true; ip route show table local proto 115`,
      );
      // Marks of what was there before us are not rules; a stranger's `-X` takes them for good.
      return text.replaceAll(/^(?:#|:SLUICE-NEW-).*\n/gm, '').replaceAll(/\[\d+:\d+\]/g, '[0:0]');
    },
    close: async () => {
      await agent.stop('SIGTERM');
      await control.close();
    },
  };
}

/** A client that holds connections. */
export interface Holder {
  /** What became of them since the last call. */
  readonly report: () => Promise<HoldReport>;
  /** Waits for a while in which held connections are answered and no new one fails. @returns what became of them in that while; `lost` counts from the call */
  readonly goesOn: () => Promise<HoldReport>;
  readonly stop: () => Promise<void>;
}

/** Starts holding `count` connections to the first service, each asking every `periodMs`. */
export async function startHolder(place: Workplace, count: number, periodMs = 100): Promise<Holder> {
  const child = await place.start([
    ...programArgv('hold'),
    '10.96.0.0',
    '80',
    String(count),
    String(periodMs),
  ]);
  await child.waitForOutput(/^holding$/m, 30_000);
  let reports = 0;
  const report = async (): Promise<HoldReport> => {
    reports += 1;
    child.signal('SIGUSR2');
    const [, json = ''] = await child.waitForOutput(new RegExp(`^report ${reports} (.*)\n`, 'm'), 10_000);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own program's words
    return JSON.parse(json) as HoldReport;
  };
  await report();
  const goesOn = async (): Promise<HoldReport> => {
    const seen: HoldReport[] = [];
    return waitUntil(
      async () => {
        const now = await report();
        seen.push(now);
        const lost = seen.reduce((sum, one) => sum + one.lost, 0);
        return now.failed === 0 && now.slowestMs > 0 ? { ...now, lost } : undefined;
      },
      {
        what: 'connections to go on',
        timeoutMs: 20_000,
        everyMs: 300,
        facts: () => JSON.stringify(seen.slice(-3)),
      },
    );
  };
  return { report, goesOn, stop: async () => void (await child.stop()) };
}

const repairs = (agent: Child): number => agent.stderr().split('repaired what another').length;

/** Does a script, waits until the agent says that it repaired, and looks whether everything of ours is back. */
export async function disturb(world: HealWorld, script: string, whole: string): Promise<void> {
  const before = repairs(world.agent);
  await world.script(script);
  await waitUntil(() => repairs(world.agent) > before, {
    what: `the agent to repair after ${script}`,
    timeoutMs: 30_000,
    facts: () => world.agent.stderr().slice(-3000),
  });
  await waitUntil(async () => (await world.ours()) === whole, {
    what: `the rules to come back after ${script}`,
    timeoutMs: 30_000,
    everyMs: 200,
    facts: () => world.agent.stderr().slice(-3000),
  });
}
