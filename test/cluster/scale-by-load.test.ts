import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitUntil } from '../../src/host/wait.ts';
import type { Instance } from '../../src/model/service.ts';
import { type LoadWorld, openLoadWorld } from './harness/load-world.ts';
import { useLab } from './harness/use-lab.ts';
import { workingCommand } from './harness/working-instance.ts';

/**
 * New connections a second: of two instances near their target, and of six at it. Five would then be over it by more than is tolerated, so that
 * nobody stops there for good if the first seconds look like less.
 */
const CALM = 36;
const MORE = 84;
const WARM_MS = 15_000;
const POLICY = '--min 2 --max 6 --rate 20 --down-after 10s'.split(' ');

const isWarm = ({ stateSince = '' }: Instance): boolean => Date.now() - Date.parse(stateSince) > WARM_MS;

describe('a service whose number of instances follows load', { timeout: 240_000 }, () => {
  const lab = useLab({ nodes: 3, etcd: 1 });
  let world: LoadWorld;
  beforeAll(async () => {
    world = await openLoadWorld(lab(), 3);
    const command = await workingCommand(lab().node(1), { count: 1_000 });
    const published = await world.publishCommand(command, ['--replicas', '2']);
    if (published.exitCode !== 0) throw new Error(`the service is not up: ${published.stderr}`);
  });
  afterAll(async () => {
    await world?.close();
  });

  const readyWhen = async (holds: (ready: number) => boolean, what: string): Promise<number> => {
    let ready = 0;
    await waitUntil(
      async () => {
        ready = (await world.instances()).filter(({ state }) => state === 'ready').length;
        return holds(ready);
      },
      { what, timeoutMs: 90_000, everyMs: 200, facts: () => `${ready} are ready` },
    );
    return ready;
  };

  it('has three times as many within seconds of three times the load, fewer again after it, and loses nothing', async () => {
    expect(await world.run(['policy', 'set', 'web', ...POLICY])).toMatchObject({ exitCode: 0 });
    const calm = await world.load(CALM);
    // What instances use before they are warm is not believed.
    await waitUntil(async () => (await world.instances()).every(isWarm), {
      what: 'warm instances',
      timeoutMs: 40_000,
      everyMs: 500,
    });
    const started = Date.now();
    const more = await world.load(MORE);
    await readyWhen((ready) => ready === 6, 'six instances');
    process.stderr.write(`six are ready ${((Date.now() - started) / 1_000).toFixed(1)} s after the load\n`);
    const results = [...(await more.stop())];
    await readyWhen((ready) => ready < 6, 'fewer instances');
    results.push(...(await calm.stop()));
    expect(results.flatMap(({ failures }) => failures)).toEqual([]);
    for (const { attempts, outcomes } of results) expect(outcomes.ok).toBe(attempts);
    const words = (await world.run(['why', 'web'])).stdout;
    expect(words).toMatch(/[2-5] → 6 instances/);
    expect(words).toMatch(/6 → 5 instances/);
    expect((await world.run(['describe', 'web'])).stdout).toMatch(/last change: +sluice monitor@/);
  });
});
