/** What only the driver podman has: images, and containers that others can take away. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SluiceError } from '../../src/errors.ts';
import type { Driver, ExitStatus } from '../../src/runtime/driver.ts';
import { TEST_IMAGE } from '../contract/driver-openers.ts';
import { freshId } from '../contract/driver-suite.ts';
import { type DriverWorld, eventually, openDriverWorld, outputOf } from '../contract/driver-world.ts';
import { openPodmanMachine } from './podman-machine.ts';

const podman = (...words: readonly string[]): string => execFileSync('podman', words, { encoding: 'utf8' });
const exitOf = (driver: Driver, id: string): Promise<ExitStatus> =>
  new Promise((resolve) => void driver.onExit(id, resolve));

const names = (): string => podman('ps', '--all', '--format', '{{.Names}}').trim();

describe('containers of the driver podman', () => {
  let closeMachine: () => void;
  let world: DriverWorld;
  let driver: Driver;
  let id: string;
  beforeAll(async () => {
    closeMachine = await openPodmanMachine();
  });
  afterAll(() => closeMachine());
  beforeEach(async () => {
    world = await openDriverWorld('podman');
    driver = await world.open();
    id = freshId();
  });
  afterEach(() => world.close());

  it('are refused by the rule of images, and for what cannot be had, and leave nothing behind', async () => {
    const cases = [
      [{ image: 'docker.io/library/nginx:1' }, { code: 'permission', why: /rule images allows localhost/ }],
      [{ image: `${TEST_IMAGE}00` }, { code: 'permission', why: /rule images/ }],
      [{ image: undefined }, { code: 'failed', why: /has no image/ }],
      [{ env: { A: 'a\nb' } }, { code: 'failed', why: /a line for each variable/ }],
    ] as const;
    for (const [change, { code, why }] of cases) {
      const error: unknown = await driver.start(world.order({ id, ...change })).catch((e: unknown) => e);
      expect([change, error]).toMatchObject([change, { code }]);
      expect(error instanceof SluiceError ? `${error.message} ${error.why}` : '').toMatch(why);
    }
    expect([await driver.list(), names()]).toEqual([[], '']);
  });

  it('say why a program of the image cannot be run, and leave no container', async () => {
    const started = driver.start(world.order({ id, command: ['/no/such'] }));
    await expect(started).rejects.toMatchObject({
      code: 'failed',
      why: expect.stringContaining('/no/such') as unknown,
    });
    expect(names()).toBe('');
    expect(await driver.list()).toMatchObject([{ kind: 'exited' }]);
  });

  it('tell how they ended while no agent was there, and are gone then', async () => {
    await driver.start(world.order({ id, script: 'sleep 2; exit 9' }));
    await driver.close();
    await eventually(() => expect(podman('ps', '--format', '{{.Names}}').trim()).toBe(''));
    driver = await world.open();
    expect(await driver.list()).toMatchObject([{ kind: 'exited', exit: { code: 9, lost: false } }]);
    expect(names()).toBe('');
  });

  it('that somebody else removed have ended, nobody knows how', async () => {
    await driver.start(world.order({ id }));
    podman('rm', '--force', '--time', '0', names());
    expect(await exitOf(driver, id)).toMatchObject({ code: undefined, lost: true });
  });

  it('have the user of the order and no privileges, and no file keeps their environment', async () => {
    const script = 'while read -r line; do echo "$line"; done </proc/self/status; exec sleep 1000';
    await driver.start(world.order({ id, script, env: { SECRET: 'squeamish' } }));
    await eventually(async () => {
      const output = await outputOf(driver, id, 'stdout');
      expect(output).toMatch(/^Uid:\s65534\s/m);
      expect(output).toMatch(/^NoNewPrivs:\s1$/m);
      expect(output).toMatch(/^CapBnd:\s0{16}$/m);
    });
    const kept = readdirSync(path.join(world.root, 'instances', id)).toSorted();
    expect(kept).toEqual(['record.json', 'stderr.log', 'stdout.log']);
  });
});
