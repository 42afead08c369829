import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSmallFile } from '../../src/host/small-file.ts';
import type { Driver } from '../../src/runtime/driver.ts';
import { createRunningReader } from '../../src/runtime/process/running.ts';
import { freshId } from './driver-suite.ts';
import { type DriverWorld, eventually, openDriverWorld, whyNoCgroup } from './driver-world.ts';

describe('instances as whoever measures them finds them', () => {
  let world: DriverWorld;
  let driver: Driver;
  let id: string;
  beforeEach(async () => {
    world = await openDriverWorld('process');
    id = freshId();
  });
  afterEach(() => world.close());

  it('are named with their session, another run after each start, and not told after their end', async () => {
    driver = await world.open({ noCgroups: true });
    const reader = createRunningReader(world.root);
    expect(reader.read().size).toBe(0);
    const started = await driver.start(world.order({ id }));
    const first = reader.read().get(`web/${id}`);
    const main = started.kind === 'running' ? started.main : undefined;
    expect(first?.leader).toEqual({ pid: main?.pid, startTicks: Number(main?.startTicks) });
    expect(first).toMatchObject({ groups: undefined, limitCores: undefined });
    // The same object as long as it is the same start.
    expect(reader.read().get(`web/${id}`)).toBe(first);
    await driver.stop(id, { signal: 'SIGTERM', graceMs: 1_000 });
    await eventually(() => expect(createRunningReader(world.root).read().size).toBe(0));
    await driver.start(world.order({ id }));
    const second = reader.read().get(`web/${id}`);
    expect(second?.run).not.toBe(first?.run);
    expect(second?.leader.pid).not.toBe(first?.leader.pid);
    await driver.stop(id, { signal: 'SIGTERM', graceMs: 1_000 });
    await driver.remove(id);
    expect(reader.read().size).toBe(0);
  });

  const why = whyNoCgroup('memory');
  it.skipIf(why !== undefined)(
    `have their groups and limit (${why ?? 'control groups are here'})`,
    async () => {
      driver = await world.open();
      await driver.start(world.order({ id, limits: { cpu: 0.5, memoryBytes: 64 * 1024 * 1024 } }));
      const found = createRunningReader(world.root).read().get(`web/${id}`);
      expect(found?.limitCores).toBe(0.5);
      const { version, cpuFolder = '', memoryFolder = '' } = found?.groups ?? {};
      const cpuFile = version === 2 ? 'cpu.stat' : 'cpuacct.usage';
      expect(readSmallFile(path.join(cpuFolder, cpuFile))).toMatch(/\d+/);
      expect(readSmallFile(path.join(memoryFolder, 'memory.stat'))).toMatch(/inactive_file \d+/);
      await driver.stop(id, { signal: 'SIGTERM', graceMs: 1_000 });
    },
  );
});
