import { describe, expect, it } from 'vitest';
import { waitUntil } from '../../src/host/wait.ts';
import { decodeComputedWeights } from '../../src/model/computed-weights.ts';
import { weightsKey } from '../../src/store/keys.ts';
import { useLab } from '../cluster/harness/use-lab.ts';
import { useLoadWorld } from '../cluster/harness/use-load-world.ts';
import { workingCommand } from '../cluster/harness/working-instance.ts';

const PER_SECOND = 60;
/** Two milliseconds or so. */
const COUNT = 60_000;
/** Slow starts, and time to see what a request costs. */
const SETTLES_MS = 20_000;

describe('weights of a managed service under load', { timeout: 180_000 }, () => {
  const lab = useLab({ nodes: 3, etcd: 1 });
  const world = useLoadWorld(lab, 3);

  /** Shares by the store's word: of the instance on the slow node, and of all others. */
  const written = async (slowIp: string) => {
    const { item } = await world().control.store.get(weightsKey('web'));
    if (item === undefined) return undefined;
    const { weights, why } = decodeComputedWeights('web', item.value).value;
    const slow = (await world().instances()).find(({ ip }) => ip === slowIp);
    const all = [...weights.values()].reduce((sum, { weight }) => sum + weight, 0);
    return { writes: item.version, why, slow: (weights.get(slow?.id ?? '')?.weight ?? 0) / all };
  };

  it('move away from an instance on which requests cost twice as much, on every node, and no connection fails', async () => {
    const slowIp = lab().node(2).address;
    const command = await workingCommand(lab().node(1), { count: COUNT, slowIp });
    const published = await world().publishCommand(command, ['--replicas', '3', '--cpu', '0.4']);
    expect(published).toMatchObject({ exitCode: 0 });
    const load = await world().load(PER_SECOND);
    const started = Date.now();
    let seen: Awaited<ReturnType<typeof written>>;
    const isSettled = (): boolean =>
      Date.now() - started > SETTLES_MS && seen !== undefined && seen.slow > 0.1 && seen.slow < 0.27;
    await waitUntil(async () => ((seen = await written(slowIp)), isSettled()), {
      what: 'a smaller share of the slow one',
      timeoutMs: 4 * SETTLES_MS,
      everyMs: 250,
      facts: () => JSON.stringify(seen),
    });
    const seconds = (Date.now() - started) / 1_000;
    process.stderr.write(`${JSON.stringify(seen)} after ${seconds.toFixed(1)} s\n`);
    // Thirty a minute, and those of starting.
    expect(seen?.writes).toBeLessThan(5 + seconds / 2);
    for (const node of lab().nodes) expect(await world().forwarded(node)).toHaveLength(3);
    const results = await load.stop();
    expect(results.flatMap(({ failures }) => failures)).toEqual([]);
    for (const { attempts, outcomes } of results) expect(outcomes.ok).toBe(attempts);
  });
});
