/** Owns the contract of drivers that run programs of the node itself: what containers bring along is looked at on the node. */
import { chmodSync, existsSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Driver } from '../../src/runtime/driver.ts';
import { failure, freshId } from './driver-suite.ts';
import type { TestedDriver } from './driver-openers.ts';
import { type DriverWorld, eventually, openDriverWorld, outputOf } from './driver-world.ts';

/** Runs it on one driver. */
export function programContract(name: Exclude<TestedDriver, 'podman'>): void {
  describe(`the contract of programs: ${name}`, () => {
    let world: DriverWorld;
    let driver: Driver;
    let id: string;
    beforeEach(async () => {
      world = await openDriverWorld(name);
      driver = await world.open();
      id = freshId();
    });
    afterEach(() => world.close());

    it('follows links before it asks the policy', async () => {
      const link = path.join(world.scratch, 'link');
      symlinkSync('/etc', link);
      expect(await failure(driver.start(world.order({ id, workingDirectory: link })))).toBe('permission');
      rmSync(link);
      symlinkSync('/usr', link);
      await driver.start(world.order({ id, workingDirectory: link, script: 'pwd -P; exec sleep 1000' }));
      await eventually(async () => expect(await outputOf(driver, id, 'stdout')).toBe('/usr\n'));
    });

    it('does not hand what the kernel cannot execute to a shell', async () => {
      const file = path.join(world.scratch, 'plain');
      writeFileSync(file, `touch ${world.scratch}/ran\n`);
      chmodSync(file, 0o755);
      const order = world.order({ id, command: [file] });
      expect(await driver.start(order).catch((e: unknown) => e)).toMatchObject({
        code: 'failed',
        why: expect.stringContaining('exec format') as unknown,
      });
      expect(existsSync(`${world.scratch}/ran`)).toBe(false);
    });
  });
}
