import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Dataplane } from '../../src/dataplane/dataplane.ts';
import { openIptables } from '../../src/dataplane/iptables/iptables.ts';
import { type Counted, openCounting } from '../../src/dataplane/live/counting.ts';
import { systemClock } from '../../src/host/clock.ts';
import { openPipe } from '../../src/host/pipe.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { createKernelFiles } from '../../src/sampling/kernel-files.ts';
import type { LocalInstance } from '../../src/sampling/local-instance.ts';
import { createProcessTable } from '../../src/sampling/process-table.ts';
import { connectionsIn } from '../../src/sampling/parse/sockets.ts';
import { parseProcess, TICKS_PER_SECOND } from '../../src/sampling/parse/process.ts';
import { sessionTicks } from '../../src/sampling/session-use.ts';
import { createSocketCounter } from '../../src/sampling/sockets.ts';
import { type InstanceUse, readInstanceUse, readNodeUse } from '../../src/sampling/use-reading.ts';
import { openNetns, type Netns } from '../harness/netns.ts';
import { rulesetFrom } from '../rules/arbitrary.ts';
import { webRules } from './dataplane-suite.ts';
import { openNftablesIn } from './nft-kernel.ts';
import { connect, startInstances } from './traffic.ts';

const NODE = { nodeIpv4: '10.0.0.1', nodeIpv6: 'fd01::1' };
const IPS = ['10.200.0.1', '10.200.0.2', 'fd99::1'];

/** Accepts on the first two of three addresses, never on the last; holds connections to all. */
const HOLDER = `const net = require('node:net'); let left = 11; const up = () => { if (--left === 0) console.log('ready'); };
  const hold = (ip, n) => { for (let i = 0; i < n; i += 1) net.connect(9000, ip, up); };
  net.createServer(() => {}).listen(9000, '10.200.0.1', () => hold('10.200.0.1', 5));
  net.createServer(() => {}).listen(9000, 'fd99::1', () => hold('fd99::1', 4));
  net.createServer(() => {}).listen(9001, '::', () => { net.connect(9001, '10.200.0.2', up); net.connect(9001, '10.200.0.1', up); });`;

/** Waits in the queue of a program that does not accept. */
const DEAF = `use IO::Socket::INET; my $l = IO::Socket::INET->new(LocalAddr => '10.200.0.2:9000', Listen => 20) or die; my @c;
  push @c, IO::Socket::INET->new('10.200.0.2:9000') for 1..3; $| = 1; print "ready\n"; sleep 60;`;

/** Counts by entry and instance. */
const sums = (counted: Counted | undefined): Readonly<Record<string, number>> =>
  Object.fromEntries(
    (counted?.counts ?? []).map(({ entry, instance, connections }) => [
      `${entry.ip} ${instance.ip}`,
      connections,
    ]),
  );

/** What stands for the rules of the first entry. */
const rulesOf = (counted: Counted | undefined): readonly (string | undefined)[] =>
  (counted?.counts ?? []).filter(({ entry }) => entry.ip === '10.96.0.1').map(({ rules }) => rules);

describe('what sampling reads of a real kernel', () => {
  let netns: Netns;
  const started: { readonly kill: (signal: 'SIGKILL') => boolean }[] = [];
  const startInside = async (file: string, args: readonly string[]): Promise<void> => {
    const child = spawn(...netns.argv(file, args), { stdio: ['ignore', 'pipe', 'inherit'] });
    started.push(child);
    await once(child.stdout, 'data');
  };

  beforeAll(async () => {
    netns = await openNetns();
    await netns.script(`ip addr add 10.0.0.1/32 dev lo; ip addr add fd01::1/128 dev lo
      for ip in ${IPS.join(' ')}; do ip addr add $ip dev lo; done`);
  });
  afterAll(async () => {
    for (const child of started) child.kill('SIGKILL');
    await netns.close();
  });

  it('counts connections and queues by address, of both families and of sockets on all addresses', async () => {
    await startInside(process.execPath, ['-e', HOLDER]);
    await startInside('perl', ['-e', DEAF]);
    const counter = createSocketCounter(
      (file, args, env) => openPipe(...netns.argv(file, args), env),
      systemClock,
    );
    try {
      const { sockets, why } = await counter.count({ lowest: 9000, highest: 9001 });
      expect(why).toBeUndefined();
      const of = (ip: string, port: number) => sockets && connectionsIn(sockets)({ ip, port });
      expect(of('10.200.0.1', 9000)).toEqual({ connections: 5, acceptQueue: 0 });
      expect(of('fd99::1', 9000)).toEqual({ connections: 4, acceptQueue: 0 });
      expect(of('10.200.0.2', 9001)).toEqual({ connections: 1, acceptQueue: 0 });
      expect(of('10.200.0.2', 9000)).toEqual({ connections: 3, acceptQueue: 3 });
      const others = await counter.count({ lowest: 1, highest: 8999 });
      expect(others.sockets?.established.size).toBe(0);
    } finally {
      counter.close();
    }
  });

  const PLANES: Readonly<Record<string, (inside: Netns) => Promise<Dataplane>>> = {
    iptables: async (inside) => openIptables(inside.exec),
    nftables: async (inside) => openNftablesIn(inside),
  };

  it('counts new connections in the layout that is there, and finds the other one when that is gone', async () => {
    const instances = await startInstances(netns, IPS);
    let ms = 0;
    const clock = { monotonicMs: () => (ms += 40_000) };
    const counting = openCounting({ exec: netns.exec, execOften: netns.exec, clock });
    const read = async (): Promise<Counted | undefined> => counting.read(['ipv4', 'ipv6']);
    try {
      expect(await read()).toBeUndefined();
      for (const [layout, open] of Object.entries(PLANES)) {
        const plane = await open(netns);
        const apply = async (weights: readonly number[]): Promise<void> => {
          await plane.apply(
            rulesetFrom([webRules('10.96.0.1:80', weights), webRules('[fd00::10]:80', [1])]),
            NODE,
          );
        };
        await apply([1, 1]);
        await connect(netns, { entry: ['10.96.0.1', 80], count: 40 });
        await connect(netns, { entry: ['fd00::10', 80], count: 7 });
        await read();
        const first = await read();
        expect(first?.layout).toBe(layout);
        const counts = sums(first);
        expect((counts['10.96.0.1 10.200.0.1'] ?? 0) + (counts['10.96.0.1 10.200.0.2'] ?? 0)).toBe(40);
        expect(counts['fd00::10 fd99::1']).toBe(7);
        await apply([1, 3]);
        const then = await read();
        const isSaid = rulesOf(then)[0] !== rulesOf(first)[0];
        expect(isSaid).toBe(layout === 'iptables');
        // What came to the entry is not forgotten with its rules.
        const whole = then?.counts.find(({ entry }) => entry.ip === '10.96.0.1')?.entryConnections;
        expect(whole).toBe(layout === 'iptables' ? 40 : undefined);
        await plane.cleanup();
      }
    } finally {
      instances.close();
    }
  });

  it('sees what a session of processes uses, whoever of them it is', async () => {
    const script =
      'read -r line </proc/self/stat; echo "$line"; while :; do ( i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done ) & wait; done';
    const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    const [line]: unknown[] = await once(child.stdout, 'data');
    const leader = parseProcess(String(line));
    if (leader === undefined) throw new Error('the shell did not say who it is');
    const files = createKernelFiles();
    const running = { run: '1', leader: { pid: leader.pid, startTicks: leader.startTicks } };
    const instance: LocalInstance = { name: 'web/a', ip: '10.0.0.1', port: 80, running };
    const readers = { files, processes: createProcessTable(files) };
    const look = (): InstanceUse | undefined => readInstanceUse(readers, [instance]).get('web/a');
    try {
      const first = look()?.processes ?? new Map();
      let used = 0;
      await waitUntil(
        () => {
          used = sessionTicks(first, look()?.processes ?? new Map()) ?? 0;
          return used > 0.3 * TICKS_PER_SECOND;
        },
        { what: 'the session to use time', timeoutMs: 30_000, facts: () => String(used) },
      );
      expect(look()?.memoryBytes).toBeGreaterThan(100_000);
      const other = { ...instance, running: { ...running, leader: { ...running.leader, startTicks: 1 } } };
      expect(readInstanceUse(readers, [other]).get('web/a')?.processes).toBeUndefined();
    } finally {
      process.kill(-leader.pid, 'SIGKILL');
      files.close();
    }
  });

  it('reads the node itself', () => {
    const files = createKernelFiles();
    const { processors, memory, load1 } = readNodeUse(files);
    files.close();
    expect(processors?.cores).toBeGreaterThan(0);
    expect(memory?.usedBytes).toBeGreaterThan(1_000_000);
    expect(load1).toBeGreaterThanOrEqual(0);
  });
});
