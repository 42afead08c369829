/**
 * Owns measuring the monitor as people run it: what it takes when it leads a service of 100 instances with 1,000 held connections, and how long after
 * the sudden death of a leader the next one decides.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Child } from '../../src/dev/child.ts';
import { systemClock } from '../../src/host/clock.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { decodeLoad, type NodeLoad } from '../../src/model/load.ts';
import { readLeader } from '../../src/ops/leader.ts';
import { ASSIGNMENTS, loadKey } from '../../src/store/keys.ts';
import { type LabStore, openLabStore, startMonitor } from '../cluster/harness/control.ts';
import { type LoadWorld, openLoadWorld } from '../cluster/harness/load-world.ts';
import { useLab } from '../cluster/harness/use-lab.ts';
import { actors } from '../monitor/world.ts';
import { template } from '../schedule/world.ts';
import { type Figure, recordFigures } from './figures.ts';
import { cpuMs, familyOf, rssMb } from './process-use.ts';

const SECONDS = 30;
const INSTANCES = 100;
const CONNECTIONS = 1_000;
const KILLS = 10;

/** IP, PORT: accepts and holds. */
const SERVER = `use IO::Socket::INET; my ($ip, $port) = @ARGV; my @c;
my $l = IO::Socket::INET->new(LocalAddr => $ip, LocalPort => $port, Listen => 128, ReuseAddr => 1) or die "$@";
while (my $c = $l->accept) { push @c, $c; shift @c if @c > 50 }
`;
/** COUNT IP: holds connections to port 80, and says when all are there. */
const CLIENT = `use IO::Socket::INET; $| = 1; my ($count, $ip) = @ARGV; my @c;
  push @c, IO::Socket::INET->new(PeerAddr => $ip, PeerPort => 80) || die "connect: $!" for 1 .. $count; print "held\\n"; sleep;`;

const NOTE =
  'Memory and time of the monitor and of the programs that count connections for it; one node, one service, adaptive weights.\n';

const connectionsIn = (load: NodeLoad | undefined): number =>
  Object.values(load?.instances ?? {}).reduce((sum, { connections = 0 }) => sum + connections, 0);

describe('a monitor that leads', { timeout: 230_000 }, () => {
  const lab = useLab({ nodes: 1, etcd: 1 });
  let world: LoadWorld;
  beforeAll(async () => {
    world = await openLoadWorld(lab(), 1);
  }, 60_000);
  afterAll(async () => {
    await world?.close();
  });

  it('takes little for 100 instances with 1,000 connections', async () => {
    const node = lab().node(1);
    const file = path.join(node.folder, 'hold.pl');
    await writeFile(file, SERVER, { mode: 0o644 });
    const command = [
      '--command',
      `/usr/bin/perl ${file} {ip} {port}`,
      '--run-as',
      'root',
      '--probe-interval',
      '30s',
    ];
    const how = ['--entry', '10.96.0.10:80', '--replicas', String(INSTANCES), '--no-wait'];
    expect(await world.run(['publish', 'web', ...command, ...how])).toMatchObject({ exitCode: 0 });
    await waitUntil(
      async () => (await world.instances()).filter(({ state }) => state === 'ready').length === INSTANCES,
      {
        what: 'all instances',
        timeoutMs: 120_000,
        everyMs: 500,
      },
    );
    await systemClock.sleep(3_000);
    const client = await node.start(['perl', '-e', CLIENT, String(CONNECTIONS), '10.96.0.10']);
    await client.waitForOutput(/held/, 60_000);
    const seen = await waitUntil(
      async () => {
        const { item } = await world.control.store.get(loadKey(node.name));
        const load = item && decodeLoad(node.name, item.value).value;
        return connectionsIn(load) >= CONNECTIONS * 0.9 && connectionsIn(load);
      },
      { what: 'whole samples', timeoutMs: 30_000, everyMs: 500 },
    );
    const [monitor] = world.monitors;
    if (monitor === undefined) throw new Error('no monitor');
    await systemClock.sleep(5_000);
    const before = cpuMs(monitor.pid);
    await systemClock.sleep(SECONDS * 1_000);
    const share = (cpuMs(monitor.pid) - before) / (SECONDS * 10);
    const rss = familyOf(monitor.pid).reduce((sum, pid) => sum + rssMb(pid), 0);
    await client.stop();
    process.stderr.write(`${seen} connections sampled; helpers: ${familyOf(monitor.pid).length - 1}\n`);
    const figures: readonly Figure[] = [
      {
        what: 'leads 100 instances, 1,000 connections: of a core',
        measured: `${share.toFixed(1)} %`,
        target: '≤ 2 %',
        met: share <= 2,
      },
      {
        what: 'the same: memory, helpers included',
        measured: `${rss.toFixed(0)} MB`,
        target: '≤ 90 MB',
        met: rss <= 90,
      },
    ];
    expect(recordFigures('A monitor that leads', figures, NOTE)).toEqual([]);
  });
});

describe('the sudden death of a leader', { timeout: 200_000 }, () => {
  const lab = useLab({ nodes: 2, etcd: 1 });
  let control: LabStore;
  let people: ReturnType<typeof actors>;
  const monitors = new Map<string, Child>();
  beforeAll(async () => {
    control = await openLabStore(lab());
    people = actors(control.store);
    for (let i = 1; i <= 4; i += 1) await people.node(`m${i}`);
    for (const node of lab().nodes) monitors.set(node.name, await startMonitor(lab(), node));
  }, 60_000);
  afterAll(async () => {
    await Promise.all([...monitors.values()].map(async (child) => child.stop('SIGKILL')));
    await control.close();
  });

  it('is followed by the next decision within seconds, once', async () => {
    const took: number[] = [];
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const leader = await waitUntil(async () => readLeader(control.store), {
        what: 'a leader',
        timeoutMs: 20_000,
      });
      // Anywhere between two renewals.
      await systemClock.sleep(1_500 + kill * 130);
      const startedMs = Date.now();
      monitors.get(leader.node)?.signal('SIGKILL');
      await people.publish('web', kill, template('one'));
      const assigned = async (): Promise<number> => (await control.store.list(ASSIGNMENTS)).items.length;
      await waitUntil(async () => (await assigned()) >= kill, {
        what: 'a decision',
        timeoutMs: 30_000,
        everyMs: 10,
      });
      took.push((Date.now() - startedMs) / 1_000);
      for (let step = 0; step < 3; step += 1) await people.agents();
      expect(await assigned()).toBe(kill);
      const node = lab().nodes.find(({ name }) => name === leader.node);
      if (node !== undefined) monitors.set(node.name, await startMonitor(lab(), node));
    }
    const sorted = took.toSorted((a, b) => a - b);
    const [median = 0, most = 0] = [sorted[KILLS / 2], sorted.at(-1)];
    const figure: Figure = {
      what: `leader killed → next decision, ${KILLS} times: median, longest`,
      measured: `${median.toFixed(1)} s, ${most.toFixed(1)} s; none twice`,
      target: '≤ 5 s',
      met: most <= 5,
    };
    expect(recordFigures('The sudden death of a leader', [figure])).toEqual([]);
  });
});
