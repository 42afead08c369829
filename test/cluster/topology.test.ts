import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { startTopology } from '../../src/dev/topology.ts';
import { processesInside } from '../../src/host/netns.ts';
import { programArgv } from './harness/programs.ts';

it('the topology of sluice dev has a client, three nodes, an etcd and instances, and goes as one', async () => {
  const world = await startTopology({ instanceProgram: programArgv('instance') });
  const inodes = [world.client, ...world.nodes].map(({ ns }) => ns.inode);
  try {
    const instances = await Promise.all(
      world.nodes.map(async (node, k) => await world.startInstance(node, `i${k + 1}`, 8080)),
    );
    expect(instances.map(({ address }) => address)).toEqual([
      '10.77.0.1:8080',
      '10.77.0.2:8080',
      '10.77.0.3:8080',
    ]);
    const answers = await Promise.all(
      instances.map(
        async ({ address }) => (await world.client.run(['curl', '-sS', `http://${address}`])).stdout,
      ),
    );
    expect(answers).toEqual(['i1\n', 'i2\n', 'i3\n']);
    expect(world.etcd.endpoints).toBe('http://10.77.0.1:2379');
    const health = await world.nodes[2]?.run(['curl', '-sS', 'http://10.77.0.1:2379/health']);
    expect(health?.stdout).toBe('{"health":"true"}');
  } finally {
    await world.close();
  }
  expect(processesInside(inodes)).toEqual([]);
  expect(existsSync(world.folder)).toBe(false);
});
