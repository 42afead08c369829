import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LoadResult } from '../../src/dev/load/outcome.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { addressOf, type LoadWorld, openLoadWorld } from './harness/load-world.ts';
import { useLab } from './harness/use-lab.ts';

/** New connections a second; more where the machine has nothing else to do. */
const PER_SECOND = Number(process.env['SLUICE_TEST_LOAD'] ?? 100);
const REQUEST_MS = 200;
/** Instances that are replaced; test/bench/scale.bench.ts replaces six. */
const ROLLED = 3;

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
    const { exitCode, stderr } = await world.publish(REQUEST_MS, ['--replicas', '2']);
    if (exitCode !== 0) throw new Error(`the service is not up: ${stderr}`);
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

  it('loses nothing when one is drained: another is ready first, and drain returns when all nodes forward to it', async () => {
    const [one] = await world.instances();
    const load = await world.load(PER_SECOND);
    const count = await world.countServing();
    const drained = await world.run(['drain', `web/${one?.id ?? ''}`, '--timeout', '50s']);
    expect(drained).toMatchObject({ exitCode: 0, stdout: 'service/web updated\n' });
    expect(drained.stderr).toContain('2 of 2 ready; forwarded by 5/5 nodes');
    const two = await world.settled(2);
    expect(two.map(({ id }) => id)).not.toContain(one?.id);
    for (const node of lab().nodes)
      expect(await world.forwarded(node)).toEqual(two.map(addressOf).toSorted());
    expect(await count.stop()).toEqual({ fewest: 2, most: 3 });
    expectNoLoss(await load.stop());
  });

  it('loses nothing while instances are replaced one at a time, none stopped before its successor is ready', async () => {
    expect(await world.run(['scale', 'web', String(ROLLED), '--timeout', '50s'])).toMatchObject({
      exitCode: 0,
    });
    const before = await world.instances();
    const load = await world.load(PER_SECOND);
    const count = await world.countServing();
    const changed = await world.publish(REQUEST_MS, ['--env', 'VERSION=2']);
    expect(changed).toMatchObject({ exitCode: 0, stdout: 'service/web updated\n' });
    expect(changed.stderr).toContain(`${ROLLED} of ${ROLLED} ready; forwarded by 5/5 nodes`);
    const after = await world.settled(ROLLED);
    expect(await count.stop()).toEqual({ fewest: ROLLED, most: ROLLED + 1 });
    expect(new Set(after.map(({ templateHash }) => templateHash)).size).toBe(1);
    expect(after.filter(({ id }) => before.some((one) => one.id === id))).toEqual([]);
    expectNoLoss(await load.stop());
  });

  it('stops replacing, and says so, when a new one does not become ready; all older ones serve on', async () => {
    const before = await world.instances();
    const load = await world.load(PER_SECOND);
    const never = ['--command', `${process.execPath} -e 'setTimeout(()=>{},1e6)'`, '--probe-start', '1s'];
    const stuck = await world.publish(REQUEST_MS, [...never, '--timeout', '6s']);
    expect(stuck).toMatchObject({ exitCode: 124, stdout: 'service/web updated\n' });
    expect(stuck.stderr).toContain(`0 of ${ROLLED} ready, `);
    await waitUntil(
      async () => /replace nothing more .*not ready/.test((await world.run(['describe', 'web'])).stdout),
      {
        what: 'the decision to replace nothing more',
        timeoutMs: 40_000,
        everyMs: 100,
      },
    );
    const serving = (await world.instances()).filter(({ state }) => state === 'ready');
    expect(serving.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    for (const node of lab().nodes) {
      expect(await world.forwarded(node)).toEqual(before.map(addressOf).toSorted());
    }
    expectNoLoss(await load.stop());
    expect(await world.publish(REQUEST_MS, ['--env', 'VERSION=2'])).toMatchObject({ exitCode: 0 });
    expect((await world.settled(ROLLED)).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
  });
});
