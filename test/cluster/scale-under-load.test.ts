import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LoadResult } from '../../src/dev/load/outcome.ts';
import { addressOf, type LoadWorld, openLoadWorld } from './harness/load-world.ts';
import { useLab } from './harness/use-lab.ts';

/** New connections a second; more where the machine has nothing else to do. */
const PER_SECOND = Number(process.env['SLUICE_TEST_LOAD'] ?? 100);
const REQUEST_MS = 200;

/** Every connection was answered, and there were some. */
function expectNoLoss(results: readonly LoadResult[]): void {
  for (const { attempts, outcomes, failures, latency, lag } of results) {
    process.stderr.write(
      `${attempts} connections, p50 ${latency.p50}, p99 ${latency.p99} ms (begun late by ${lag.p99} ms)\n`,
    );
    expect(failures).toEqual([]);
    expect(outcomes.ok).toBe(attempts);
    expect(attempts).toBeGreaterThan(PER_SECOND / 4);
  }
}

describe('a managed service under load', { timeout: 180_000 }, () => {
  const lab = useLab({ nodes: 5, etcd: 1 });
  let world: LoadWorld;
  beforeAll(async () => {
    world = await openLoadWorld(lab());
    const published = await world.publish(REQUEST_MS, ['--replicas', '2']);
    expect(published).toMatchObject({ exitCode: 0 });
  });
  afterAll(async () => {
    await world?.close();
  });

  it('loses nothing while it is scaled from 2 to 10 and back; scale returns when all nodes forward to all', async () => {
    const load = await world.load(PER_SECOND);
    const more = await world.run(['scale', 'web', '10', '--timeout', '50s']);
    expect(more).toMatchObject({ exitCode: 0, stdout: 'service/web updated\n' });
    expect(more.stderr).toContain('10 of 10 ready; forwarded by 5/5 nodes');
    const ten = (await world.instances()).map(addressOf).toSorted();
    expect(ten).toHaveLength(10);
    for (const node of lab().nodes) expect(await world.forwarded(node)).toEqual(ten);
    const fewer = await world.run(['scale', 'web', '2', '--timeout', '50s']);
    expect(fewer).toMatchObject({ exitCode: 0 });
    const two = (await world.settled(2)).map(addressOf).toSorted();
    for (const node of lab().nodes) expect(await world.forwarded(node)).toEqual(two);
    expectNoLoss(await load.stop());
  });
});
