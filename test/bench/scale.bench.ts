/** Measures managed services under load, everything real: scaling and rolling changes, an instance that is killed, one that hangs. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Child } from '../../src/dev/child.ts';
import type { LoadResult } from '../../src/dev/load/outcome.ts';
import { systemClock } from '../../src/host/clock.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { instancePids } from '../cluster/harness/instance-world.ts';
import { type LoadWorld, openLoadWorld } from '../cluster/harness/load-world.ts';
import { useLab } from '../cluster/harness/use-lab.ts';
import { type Figure, recordFigures } from './figures.ts';
import { percentile } from './paired.ts';

const SCALED = { perSecond: Number(process.env['SCALE_RATE'] ?? 500), requestMs: 200, steadyMs: 8_000 };
const BROKEN = { perSecond: Number(process.env['BROKEN_RATE'] ?? 300), instances: 5 };
const KILLS = Number(process.env['INSTANCE_KILLS'] ?? 20);
const HALTS = Number(process.env['INSTANCE_HALTS'] ?? 10);

/** What the first of the tables is read with. */
const WHERE_TIME_GOES = `Five nodes, the clients and the store share two processors, which have nothing left while the others start. Of three runs in a row on the machine at its usual speed (1.42, 1.55 and
1.85 ×) the one in the middle stands here; rolling changes were 1.31, 1.47 and 1.43 ×. What is late are connections of about one second. Runs on a machine that its neighbours slow down say nothing:
1.2 to 4.9 × of one build. Before, it was 1.7 to 4.2 ×: one of the first two instances had 95 % of the connections, since weights swung where three of five nodes count none; launches began all at once; and
the store had twice as much to tell. Tried without a difference that could be told from noise: a quarter or an eighth of the weight for instances that start, generators in sessions of their own.
`;

/** What the second of the tables is read with. */
const LOST = `What is lost are connections that the killed instance had accepted: they are reset. Before refusals were held back 1 and 5 were lost. In about half of
the rounds (of three times twenty) a connection or two took the second; in the others nobody connected to the instance in those milliseconds.
`;

const lostOf = (results: readonly LoadResult[]): number =>
  results.reduce((sum, { attempts, outcomes }) => sum + attempts - outcomes.ok, 0);
const p99Of = (results: readonly LoadResult[]): number =>
  Math.max(...results.map(({ latency }) => latency.p99));
const attemptsOf = (results: readonly LoadResult[]): number =>
  results.reduce((sum, { attempts }) => sum + attempts, 0);

/** p50 and p99. */
const worst = (values: readonly number[]): string =>
  `${percentile(values, 0.5)} and ${percentile(values, 0.99)}`;

/** Moment of the first rules of an agent after `from` that forward to so many instances. */
async function rulesAt(agent: Child, from: number, instances: number): Promise<number> {
  const wanted = new RegExp(` rules applied .* instances=${instances} `);
  const line = await waitUntil(
    () =>
      agent
        .stderr()
        .split('\n')
        .find((one) => Date.parse(one.slice(0, 24)) >= from && wanted.test(one)),
    { what: `rules with ${instances} instances`, timeoutMs: 30_000, everyMs: 20 },
  );
  return Date.parse(line.slice(0, 24));
}

describe('a managed service on five nodes', () => {
  const lab = useLab({ nodes: 5, etcd: 1 });
  let world: LoadWorld;
  beforeAll(async () => {
    world = await openLoadWorld(lab());
  });
  afterAll(async () => {
    await world.close();
  });

  const ok = async (argv: readonly string[]): Promise<void> => {
    const { exitCode, stderr } = await world.run([...argv, '--timeout', '55s']);
    if (exitCode !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
  };
  /** Load while something is done. */
  const during = async (perSecond: number, act: () => Promise<void>): Promise<readonly LoadResult[]> => {
    const load = await world.load(perSecond);
    await act();
    return await load.stop();
  };

  it('is scaled and changed', { timeout: 600_000 }, async () => {
    const { perSecond, requestMs, steadyMs } = SCALED;
    expect(await world.publish(requestMs, ['--replicas', '2'])).toMatchObject({ exitCode: 0 });
    const steady = await during(perSecond, async () => await systemClock.sleep(steadyMs));
    const scaled = await during(perSecond, async () => {
      await ok(['scale', 'web', '10']);
      await systemClock.sleep(1_000);
      await ok(['scale', 'web', '2']);
      await world.settled(2);
    });
    await ok(['scale', 'web', '6']);
    const changed = await during(perSecond, async () => {
      expect(await world.publish(requestMs, ['--env', 'VERSION=2'])).toMatchObject({ exitCode: 0 });
      await world.settled(6);
    });
    const figureOf = (what: string, results: readonly LoadResult[]): readonly Figure[] => [
      {
        what: `${what}: connections lost of ${attemptsOf(results)}, ${perSecond} a second of ${requestMs} ms each`,
        measured: String(lostOf(results)),
        target: '0',
        met: lostOf(results) === 0,
      },
      {
        what: `${what}: p99, against ${p99Of(steady).toFixed(0)} ms steady`,
        measured: `${p99Of(results).toFixed(0)} ms, ${(p99Of(results) / p99Of(steady)).toFixed(2)} ×`,
        target: '≤ 1.5 ×',
        met: p99Of(results) <= 1.5 * p99Of(steady),
      },
    ];
    const figures = [
      ...figureOf('scaled 2 → 10 → 2', scaled),
      ...figureOf('rolling change of 6 instances', changed),
    ];
    expect(recordFigures('Managed services under load', figures, WHERE_TIME_GOES)).toEqual([]);
  });

  /** Breaks a ready instance under load; times from the signal to the rules of its own node and of the last node. */
  const broken = async (
    signal: 'SIGKILL' | 'SIGSTOP',
  ): Promise<{
    readonly ownMs: number;
    readonly allMs: number;
    readonly lost: number;
    /** Of those that were lost. */
    readonly refused: number;
    /** Of those that were answered. */
    readonly slowestMs: number;
  }> => {
    const all = await world.settled(BROKEN.instances);
    const one = all[Math.floor(Math.random() * all.length)];
    const number = lab().nodes.findIndex(({ name }) => name === one?.node);
    const pid = instancePids(lab().node(number + 1), one?.id ?? '')[0] ?? 0;
    const load = await world.load(BROKEN.perSecond);
    await systemClock.sleep(1_000 + Math.random() * 1_000);
    const from = Date.now();
    process.kill(pid, signal);
    const times = await Promise.all(
      world.agents.map(async (agent) => (await rulesAt(agent, from, BROKEN.instances - 1)) - from),
    );
    if (signal === 'SIGSTOP') process.kill(pid, 'SIGCONT');
    const results = await load.stop();
    const slowestMs = Math.round(Math.max(...results.map(({ latency }) => latency.max)));
    const without = { ownMs: times[number] ?? Number.NaN, allMs: Math.max(...times) };
    const refused = results.reduce((sum, { outcomes }) => sum + outcomes.refused, 0);
    return { ...without, lost: lostOf(results), refused, slowestMs };
  };

  it('has instances that are killed and that hang', { timeout: 600_000 }, async () => {
    const { perSecond, instances } = BROKEN;
    const probe = ['--probe-interval', '1s', '--probe-timeout', '1s'];
    expect(await world.publish(0, ['--replicas', String(instances), '--yes', ...probe])).toMatchObject({
      exitCode: 0,
    });
    const kills: Awaited<ReturnType<typeof broken>>[] = [];
    for (let round = 0; round < KILLS; round += 1) kills.push(await broken('SIGKILL'));
    const halts: Awaited<ReturnType<typeof broken>>[] = [];
    for (let round = 0; round < HALTS; round += 1) halts.push(await broken('SIGSTOP'));
    const own = kills.map(({ ownMs }) => ownMs);
    const everywhere = kills.map(({ allMs }) => allMs);
    const lost = kills.map((kill) => kill.lost);
    const refused = kills.reduce((sum, kill) => sum + kill.refused, 0);
    const out = halts.map(({ allMs }) => allMs);
    const allowed = perSecond / 100;
    const figures: readonly Figure[] = [
      {
        what: `SIGKILL of one of ${instances} under ${perSecond} connections/s, ${KILLS} times: its own node's rules without it, p50 and p99`,
        measured: `${worst(own)} ms`,
        target: 'p99 ≤ 50 ms',
        met: percentile(own, 0.99) <= 50,
      },
      {
        what: 'the rules of all five nodes without it, p50 and p99',
        measured: `${worst(everywhere)} ms`,
        target: 'p99 ≤ 500 ms',
        met: percentile(everywhere, 0.99) <= 500,
      },
      {
        what: 'connections lost each time, p50 and p99',
        measured: `${worst(lost)}; ${refused} refused in all`,
        target: `≤ ${allowed} (1 for each 100/s)`,
        met: percentile(lost, 0.99) <= allowed,
      },
      {
        what: "the slowest connection each time, p50 and p99: one that would have been lost is made anew after 1 s, by the client's own kernel",
        measured: `${worst(kills.map(({ slowestMs }) => slowestMs))} ms`,
        target: '',
        met: true,
      },
      {
        what: `SIGSTOP of one (asked over HTTP every second), ${HALTS} times: the rules of all five nodes without it, p50 and p99`,
        measured: `${worst(out)} ms`,
        target: 'p99 ≤ 2 s',
        met: percentile(out, 0.99) <= 2_000,
      },
    ];
    expect(recordFigures('Instances that break under load', figures, LOST)).toEqual([]);
  });
});
