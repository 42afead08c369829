/**
 * Measures what adaptive weights are worth on a real cluster: three nodes, instances whose limits of processors are 1 : 1 : 0.5, load at 80 % of what
 * they can do together, with equal and with adaptive weights.
 *
 * The template gives all the same limit; the control group of one of them is then set to half of it, as an admin may do at any time.
 */
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { LoadResult } from '../../src/dev/load/outcome.ts';
import type { Workplace } from '../../src/dev/machine.ts';
import { systemClock } from '../../src/host/clock.ts';
import { decodeComputedWeights } from '../../src/model/computed-weights.ts';
import { createRunningReader } from '../../src/runtime/running.ts';
import { weightsKey } from '../../src/store/keys.ts';
import { stateDirOf } from '../cluster/harness/control.ts';
import { useLab } from '../cluster/harness/use-lab.ts';
import { useLoadWorld } from '../cluster/harness/use-load-world.ts';
import { workingCommand } from '../cluster/harness/working-instance.ts';
import { type Figure, recordFigures } from './figures.ts';

/** Of all three .75 cores: this machine of two, which is the cluster, the load and its clients in one, must not become the limit. */
const LIMITS = [0.3, 0.3, 0.15] as const;
/** What one request costs. */
const COST_MS = 10;
const LOAD = 0.8;
const PER_SECOND = Math.round((LOAD * LIMITS.reduce((sum, cores) => sum + cores, 0)) / (COST_MS / 1_000));
const MEASURED_MS = 45_000;
const SETTLE_LIMIT_MS = 30_000;
/** Its right share is 0.2; written weights move by steps of 5 % of all new connections. */
const RIGHT = { least: 0.14, most: 0.26 };

/** A look at the weights that are written. */
interface Seen {
  readonly ms: number;
  readonly writes: number;
  /** Of the slow instance. */
  readonly share: number;
}

/** To what an instance counts in `COST_MS` of processor time, by what it takes to count to a million. */
async function countFor(node: Workplace): Promise<number> {
  const script = 'my @t = times; for (my $at = 0; $at < 4e6; $at++) {} my @u = times; print $u[0] - $t[0]';
  const { stdout } = await node.run(['/usr/bin/perl', '-e', script]);
  return Math.round((4e6 * COST_MS) / 1_000 / Number(stdout));
}

/** The same while all cores are busy with it: what one can do alone is more than it can do under load. */
const countOf = async (nodes: readonly Workplace[]): Promise<number> =>
  Math.min(...(await Promise.all(nodes.map(countFor))));

/** Sets the limit of an instance that runs on a node, as the kernel enforces it. */
function setLimit(node: Workplace, id: string, cores: number): void {
  const groups = createRunningReader(stateDirOf(node))().find((one) => one.id === id)?.cgroups;
  const folder = groups?.folderOf.cpu;
  if (folder === undefined) throw new Error(`${id} has no control group for processors here`);
  const [file, text] =
    groups?.version === 2
      ? ['cpu.max', `${cores * 100_000} 100000`]
      : ['cpu.cfs_quota_us', `${cores * 100_000}`];
  writeFileSync(`${folder}/${file}`, text);
}

const slowest = (results: readonly LoadResult[]): number =>
  Math.max(...results.map(({ latency }) => latency.p99));
const lost = (results: readonly LoadResult[]): number =>
  results.reduce((sum, { attempts, outcomes }) => sum + attempts - outcomes.ok - outcomes.slow, 0);

describe('instances whose limits are 1 : 1 : 0.5, on three nodes, at 80 % load', { timeout: 235_000 }, () => {
  const lab = useLab({ nodes: 3, etcd: 1 });
  const world = useLoadWorld(lab, 3);

  it('answer at least twice as quickly at the 99th percentile with adaptive weights as with equal ones', async () => {
    const slowNode = lab().node(2);
    const count = await countOf(lab().nodes);
    const command = await workingCommand(lab().node(1), { count });
    const flags = ['--replicas', '3', '--cpu', String(LIMITS[0])];
    expect(await world().publishCommand(command, flags)).toMatchObject({ exitCode: 0 });
    const slow = (await world().instances()).find(({ ip }) => ip === slowNode.address)?.id ?? '';
    setLimit(slowNode, slow, LIMITS[2]);

    /** Load for a time, with the weights that were written meanwhile. */
    const run = async (weights: 'equal' | 'adaptive', forMs: number) => {
      expect(await world().run(['policy', 'set', 'web', '--weights', weights])).toMatchObject({
        exitCode: 0,
      });
      const load = await world().load(PER_SECOND);
      const seen: Seen[] = [];
      const startMs = Date.now();
      while (Date.now() - startMs < forMs) {
        const { item } = await world().control.store.get(weightsKey('web'));
        const own = item === undefined ? undefined : decodeComputedWeights('web', item.value).value.weights;
        const all = [...(own?.values() ?? [])].reduce((sum, { weight }) => sum + weight, 0);
        const share = (own?.get(slow)?.weight ?? 1) / (all === 0 ? 3 : all);
        seen.push({ ms: Date.now() - startMs, writes: item?.version ?? 0, share });
        await systemClock.sleep(250);
      }
      return { results: await load.stop(), seen };
    };

    const equal = await run('equal', MEASURED_MS);
    // What waits is answered before the next begins.
    await systemClock.sleep(15_000);
    const settling = await run('adaptive', SETTLE_LIMIT_MS + 5_000);
    const adaptive = await run('adaptive', MEASURED_MS);
    const isWrong = ({ share }: Seen): boolean => share < RIGHT.least || share > RIGHT.most;
    const settledMs = settling.seen.findLast(isWrong)?.ms ?? 0;
    const first = adaptive.seen[0]?.writes ?? 0;
    const rewrites = ((adaptive.seen.at(-1)?.writes ?? 0) - first) * (60_000 / MEASURED_MS);
    const [before, after] = [slowest(equal.results), slowest(adaptive.results)];
    const shares = adaptive.seen.map(({ share }) => share.toFixed(2));
    process.stderr.write(
      `${JSON.stringify({ count, PER_SECOND, settling: settling.seen.filter((_, at) => at % 8 === 0), shares })}\n`,
    );
    const figures: readonly Figure[] = [
      {
        what: `limits of ${LIMITS.join(' : ')} cores: p99 of ${PER_SECOND} requests/s of ${COST_MS} ms over ${MEASURED_MS / 1_000} s, adaptive ÷ equal weights`,
        measured: `${(after / before).toFixed(3)} (${Math.round(after)} ÷ ${Math.round(before)} ms)`,
        target: '≤ 0.5',
        met: after / before <= 0.5,
      },
      {
        what: 'connections lost meanwhile, with equal weights and with adaptive ones',
        measured: `${lost(equal.results)} and ${lost(adaptive.results)}`,
        target: '0 with adaptive ones',
        met: lost(adaptive.results) === 0,
      },
      {
        what: `from the first load with adaptive weights until the slow instance's share (right: 0.20) stays within ${RIGHT.least} to ${RIGHT.most}`,
        measured: `${(settledMs / 1_000).toFixed(1)} s`,
        target: '≤ 30 s',
        met: settledMs <= SETTLE_LIMIT_MS,
      },
      {
        what: 'rewrites of the rules a minute, once settled',
        measured: rewrites.toFixed(1),
        target: '≤ 30',
        met: rewrites <= 30,
      },
    ];
    expect(recordFigures('Adaptive weights on a real cluster', figures)).toEqual([]);
  });
});
