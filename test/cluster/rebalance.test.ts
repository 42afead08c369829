import { stat } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Child } from '../../src/dev/child.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { readLeader } from '../../src/ops/leader.ts';
import { ASSIGNMENTS, lockKey } from '../../src/store/keys.ts';
import { SLUICE } from './harness/program.ts';
import { storeFlags } from './harness/store-way.ts';
import { useLab } from './harness/use-lab.ts';
import { useLoadWorld } from './harness/use-load-world.ts';

const PER_SECOND = 20;

describe('a cluster that is put right and looked at from outside', { timeout: 240_000 }, () => {
  const lab = useLab({ nodes: 3, etcd: 1 });
  const world = useLoadWorld(lab, 3);
  beforeAll(async () => {
    const third = lab().node(3).name;
    for (const argv of [['node', 'cordon', third], ['publish'], ['node', 'uncordon', third]]) {
      const said =
        argv[0] === 'publish' ? await world().publish(1, ['--replicas', '4']) : await world().run(argv);
      if (said.exitCode !== 0) throw new Error(said.stderr);
    }
  });

  /** A command that goes on beside the test. */
  const beside = async (...argv: readonly string[]): Promise<Child> =>
    lab()
      .node(1)
      .start([...SLUICE, ...argv, ...storeFlags(lab())]);

  it('moves an instance to the node that came, after another was killed, and no connection fails', async () => {
    const third = lab().node(3);
    expect((await world().instances()).map(({ node }) => node)).not.toContain(third.name);
    const killed = await beside('rebalance', '--all', '--min-age', '1s');
    await waitUntil(async () => (await world().control.store.get(lockKey('rebalance'))).item !== undefined, {
      what: 'the lock',
      timeoutMs: 30_000,
      facts: () => killed.stderr(),
    });
    const passed = await world().run(['rebalance', '--all', '--skip-if-locked']);
    expect(passed).toMatchObject({ exitCode: 0, stdout: '', stderr: expect.stringContaining('skipped: ') });
    await killed.stop('SIGKILL');
    const load = await world().load(PER_SECOND);
    const words = 'rebalance web --min-age 1s --lock-timeout 20s --wait --timeout 50s';
    const moved = await world().run(words.split(' '));
    expect({ ...moved, stderr: '' }).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: expect.stringMatching(
        new RegExp(`^service/web moves \\S+ from node/\\S+ to node/${third.name} \\(spread\\): `),
      ),
    });
    const settled = await world().settled(4);
    expect(settled.filter(({ node }) => node === third.name)).toHaveLength(1);
    const results = await load.stop();
    expect(results.flatMap(({ failures }) => failures)).toEqual([]);
  });

  it('leaves a recording that can be replayed when its recorder is killed', async () => {
    expect(
      await world().run(['policy', 'set', 'web', '--min', '4', '--max', '6', '--cpu', '70%']),
    ).toMatchObject({ exitCode: 0 });
    const file = path.join(lab().node(1).folder, 'load.jsonl');
    const recorder = await beside('monitor', 'record', '--to', file, '--every', '500ms');
    const sizes = new Set<number>();
    await waitUntil(
      async () => {
        sizes.add(
          await stat(file).then(
            ({ size }) => size,
            () => 0,
          ),
        );
        return sizes.size > 5;
      },
      { what: 'five lines', timeoutMs: 30_000, everyMs: 100, facts: () => recorder.stderr() },
    );
    await recorder.stop('SIGKILL');
    const replayed = await world().run(['monitor', 'replay', '--from', file, '-o', 'json']);
    expect(replayed).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(replayed.stdout)).toMatchObject({
      kind: 'ReplayList',
      items: [{ service: 'web', recorded: { min: 4, max: 4 } }],
    });
  });

  it('has another leader that decides, once, when the first is killed', async () => {
    const first = await readLeader(world().control.store);
    const number = lab().nodes.findIndex(({ name }) => name === first?.node);
    const startedMs = Date.now();
    world().monitors[number]?.signal('SIGKILL');
    expect(await world().run(['scale', 'web', '5', '--no-wait'])).toMatchObject({ exitCode: 0 });
    const assigned = async (): Promise<number> =>
      (await world().control.store.list(ASSIGNMENTS)).items.length;
    await waitUntil(async () => (await assigned()) > 4, {
      what: 'a decision',
      timeoutMs: 30_000,
      everyMs: 20,
    });
    process.stderr.write(
      `decided ${((Date.now() - startedMs) / 1_000).toFixed(1)} s after the leader was killed\n`,
    );
    await world().settled(5);
    expect(await assigned()).toBe(5);
    const second = await readLeader(world().control.store);
    expect(second?.node).not.toBe(first?.node);
    const said = await world().run(['why', 'web', '-o', 'json']);
    expect(said).toMatchObject({ exitCode: 0, stderr: '' });
    const why = JSON.parse(said.stdout);
    const starts = why.items[0].decisions.filter(
      ({ what, by }: { what: string; by: string }) => what.startsWith('start ') && by === second?.node,
    );
    expect(starts).toHaveLength(1);
  });
});
