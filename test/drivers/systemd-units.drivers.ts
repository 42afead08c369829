/** What only the driver systemd has: its units, what they show of an order, ends that nobody of ours saw. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Driver, ExitStatus } from '../../src/runtime/driver.ts';
import { freshId } from '../contract/driver-suite.ts';
import { type DriverWorld, eventually, openDriverWorld, outputOf, pidsOf } from '../contract/driver-world.ts';

const systemctl = (...words: readonly string[]): string =>
  execFileSync('systemctl', ['--no-pager', ...words], { encoding: 'utf8' });
const exitOf = (driver: Driver, id: string): Promise<ExitStatus> =>
  new Promise((resolve) => void driver.onExit(id, resolve));

describe('units of the driver systemd', () => {
  let world: DriverWorld;
  let driver: Driver;
  let id: string;
  beforeEach(async () => {
    world = await openDriverWorld('systemd');
    driver = await world.open();
    id = freshId();
  });
  afterEach(() => world.close());
  const units = (): readonly string[] =>
    systemctl('list-units', '--all', '--plain', '--no-legend', `sluice-*-${id}.service`)
      .split('\n')
      .flatMap((line) => line.split(' ')[0] || []);

  it('tell codes from signals', async () => {
    const cases = [
      ['exit 143', { code: 143, signal: undefined }],
      ['exit 0', { code: 0, signal: undefined }],
      ['kill -TERM $$', { code: undefined, signal: 'SIGTERM' }],
      ['kill -KILL $$', { code: undefined, signal: 'SIGKILL' }],
    ] as const;
    for (const [script, exit] of cases) {
      await driver.start(world.order({ id, script }));
      expect([script, await exitOf(driver, id)]).toMatchObject([script, { ...exit, lost: false }]);
    }
    await eventually(() => expect(units()).toEqual([]));
  });

  it('show nothing of the order, to nobody, and no file keeps it', async () => {
    const env = { SECRET: 'squeamish' };
    await driver.start(world.order({ id, env, script: ': ossifrage; exec sleep 1000' }));
    const [unit = ''] = units();
    expect(systemctl('show', unit) + systemctl('cat', unit)).not.toMatch(/squeamish|ossifrage/);
    const folder = path.join(world.root, 'instances', id);
    const kept = readdirSync(folder).map((name) => readFileSync(path.join(folder, name), 'utf8'));
    expect(kept.join('')).not.toMatch(/squeamish|ossifrage/);
  });

  it('survive a manager that reads everything anew, and end as before', async () => {
    const found = await driver.start(world.order({ id }));
    systemctl('daemon-reload');
    expect(await (await world.open()).list()).toEqual([found]);
    const exit = await driver.stop(id, { signal: 'SIGTERM', graceMs: 5_000 });
    expect(exit).toMatchObject({ signal: 'SIGTERM', lost: false });
    expect(pidsOf(id)).toEqual([]);
  });

  it('tell an end that came while no agent was there, or by hand', async () => {
    await driver.start(world.order({ id, script: 'sleep 0.5; exit 9' }));
    await driver.close();
    await eventually(() => expect(units()).toEqual([]));
    driver = await world.open();
    expect(await driver.list()).toMatchObject([{ kind: 'exited', exit: { code: 9, lost: false } }]);
    await driver.start(world.order({ id }));
    systemctl('stop', ...units());
    expect(await exitOf(driver, id)).toMatchObject({ signal: 'SIGTERM', lost: false });
  });

  it('have a limit of files, no privileges, and a user of their own', async () => {
    const script =
      'ulimit -n; id -u; grep -E "^(NoNewPrivs|CapEff|CapBnd)" /proc/self/status; exec sleep 1000';
    const found = await driver.start(world.order({ id, script, limits: { files: 99, pids: 50, cpu: 0.5 } }));
    expect(found).toMatchObject({ notes: [] });
    await eventually(async () => {
      const output = await outputOf(driver, id, 'stdout');
      expect(output).toMatch(/^99\n65534\n[^]*^NoNewPrivs:\s1\n/m);
      expect(output.match(/^Cap\w+:\s0{16}$/gm)).toHaveLength(2);
    });
  });
});
