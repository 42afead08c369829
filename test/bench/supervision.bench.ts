import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Child } from '../../src/dev/child.ts';
import type { Workplace } from '../../src/dev/machine.ts';
import { systemClock } from '../../src/host/clock.ts';
import { processesInside } from '../../src/host/netns.ts';
import { waitUntil } from '../../src/host/wait.ts';
import type { TemplateInput } from '../../src/model/template-defaults.ts';
import { type InstanceWorld, openInstanceWorld } from '../cluster/harness/instance-world.ts';
import { useLab } from '../cluster/harness/use-lab.ts';
import { type Figure, recordFigures } from './figures.ts';
import { percentile } from './paired.ts';

/** Fewer, to try something out. */
const INSTANCES = Number(process.env['INSTANCES'] ?? 100);
const ENDS = Number(process.env['INSTANCE_ENDS'] ?? 60);
const STOPS = Number(process.env['INSTANCE_STOPS'] ?? 20);
const QUIET_MS = 10_000;
const TICK_MS = 10;

/** A small server, so that it is the agent that is measured. */
const SERVER = `use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalAddr => $ARGV[1], LocalPort => $ARGV[2], Listen => 128, ReuseAddr => 1) or die;
while (my $c = $s->accept) { <$c>; print $c "HTTP/1.1 200 OK\\r\\nContent-Length: 3\\r\\nConnection: close\\r\\n\\r\\nok\\n"; close $c }`;

/** CPU time of a process in milliseconds, and its resident memory. */
function useOf(pid: number): { readonly cpuMs: number; readonly bytes: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14]);
  return { cpuMs: ticks * TICK_MS, bytes: Number(fields[21]) * 4_096 };
}

function pidOf(node: Workplace, id: string): number {
  const found = processesInside([node.ns.inode]).find((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return words[0] === '/usr/bin/perl' && words[2] === id;
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`${id} does not run`);
  return found;
}

const timeOf = (line: string): number => Date.parse(line.slice(0, 24));

/** Milliseconds from `from` to the first line of the log after it that matches `first`, and from there on `then`. */
async function untilLogged(
  agent: Child,
  from: number,
  [first, then]: readonly [RegExp, RegExp],
): Promise<number> {
  return await waitUntil(
    () => {
      const lines = agent
        .stderr()
        .split('\n')
        .filter((line) => timeOf(line) >= from);
      const begin = lines.findIndex((line) => first.test(line));
      const end = begin < 0 ? undefined : lines.slice(begin).find((line) => then.test(line));
      return end === undefined ? undefined : { ms: timeOf(end) - from };
    },
    { what: String(first), timeoutMs: 20_000, everyMs: 20 },
  ).then(({ ms }) => ms);
}

const APPLIED = / rules applied /;

/** Times of `rounds` ends or halts of ready instances, from the signal to the node's own rules. */
async function timesOf(
  {
    world,
    node,
    agent,
    ids,
  }: { world: InstanceWorld; node: Workplace; agent: Child; ids: readonly string[] },
  { rounds, signal }: { rounds: number; signal: 'SIGKILL' | 'SIGSTOP' },
): Promise<readonly number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const id = ids[round % ids.length] ?? '';
    await world.states([id], 'ready');
    const pid = pidOf(node, id);
    await systemClock.sleep(100 + Math.random() * 1_000);
    const from = Date.now();
    process.kill(pid, signal);
    const state = signal === 'SIGKILL' ? 'failed' : 'starting';
    times.push(await untilLogged(agent, from, [new RegExp(`instance ${state} .*id=${id} `), APPLIED]));
    if (signal === 'SIGSTOP') process.kill(pid, 'SIGCONT');
  }
  return times;
}

/** How instances are asked: as templates that say nothing have it, and the dearest that is usual. */
const PROBES = {
  'a TCP probe every two seconds, the default': { kind: 'tcp' },
  'HTTP every second': { kind: 'http', intervalSeconds: 1, timeoutSeconds: 1, startSeconds: 60 },
} as const satisfies Record<string, TemplateInput['probe']>;

describe.each(Object.entries(PROBES))('instances of one node, asked by %s', (asked, probe) => {
  const lab = useLab({ nodes: 2, etcd: 1 });

  it('start, idle, end and hang', { timeout: 600_000 }, async () => {
    const world = await openInstanceWorld(lab());
    const node = lab().node(2);
    const script = path.join(node.folder, 'server.pl');
    await writeFile(script, SERVER);
    const agent = await world.agent(node);
    const template: TemplateInput = {
      command: ['/usr/bin/perl', script, '{id}', '{ip}', '{port}'],
      probe,
    };
    const ids = Array.from({ length: INSTANCES }, (_, at) => `i${at}-${process.pid}`);
    const empty = useOf(agent.pid);
    const started = systemClock.monotonicMs();
    await Promise.all(ids.map(async (id) => await world.assign(node, id, { template })));
    await world.states(ids, 'ready');
    const startMs = systemClock.monotonicMs() - started;
    await systemClock.sleep(QUIET_MS / 2);
    const before = useOf(agent.pid);
    await systemClock.sleep(QUIET_MS);
    const after = useOf(agent.pid);
    const early = (after.cpuMs - before.cpuMs) / QUIET_MS;
    await systemClock.sleep(QUIET_MS * 1.5);
    const settled = useOf(agent.pid);
    await systemClock.sleep(QUIET_MS * 2);
    const cpu = (useOf(agent.pid).cpuMs - settled.cpuMs) / (QUIET_MS * 2);
    const each = (after.bytes - empty.bytes) / INSTANCES / 1_024;
    const place = { world, node, agent, ids };
    const ends = await timesOf(place, { rounds: ENDS, signal: 'SIGKILL' });
    const halts = await timesOf(place, { rounds: STOPS, signal: 'SIGSTOP' });
    await agent.stop('SIGKILL');
    await world.close();
    const figures: Figure[] = [
      {
        what: `${INSTANCES} instances, from their assignments to all ready`,
        measured: `${(startMs / 1_000).toFixed(1)} s`,
        target: '≤ 10 s',
        met: startMs <= 10_000,
      },
      {
        what: `agent with ${INSTANCES} instances, 5 to 15 s after their start, while V8 still compiles what runs often: part of a core`,
        measured: `${(early * 100).toFixed(1)} %`,
        target: '≤ 2 %',
        met: early <= 0.02,
      },
      {
        what: `agent with ${INSTANCES} instances, 30 to 50 s after their start: part of a core`,
        measured: `${(cpu * 100).toFixed(1)} %`,
        target: '≤ 2 %',
        met: cpu <= 0.02,
      },
      {
        what: 'memory of the agent for each of them, 15 s after their start',
        measured: `${each.toFixed(0)} KiB`,
        target: '≤ 200 kB',
        met: each <= 200,
      },
      {
        what: `SIGKILL of an instance, ${ENDS} times: to its node's rules without it, p50 and p99`,
        measured: `${percentile(ends, 0.5)} and ${percentile(ends, 0.99)} ms`,
        target: 'p99 ≤ 50 ms',
        met: percentile(ends, 0.99) <= 50,
      },
      {
        what: `SIGSTOP of an instance, ${STOPS} times: to its node's rules without it, p50 and p99`,
        measured: `${percentile(halts, 0.5)} and ${percentile(halts, 0.99)} ms`,
        target: 'p99 ≤ 2 s',
        met: percentile(halts, 0.99) <= 2_000,
      },
    ];
    expect(recordFigures(`Supervision: instances of one node, asked by ${asked}`, figures)).toEqual([]);
  });
});
