/** Owns the contract of every driver: one suite, real processes. */
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Driver, ExitStatus } from '../../src/runtime/driver.ts';
import { createRunningReader } from '../../src/runtime/running.ts';
import { runningOf } from '../../src/sampling/here.ts';
import { createKernelFiles } from '../../src/sampling/kernel-files.ts';
import { createProcessTable } from '../../src/sampling/process-table.ts';
import { type InstanceUse, readInstanceUse } from '../../src/sampling/use-reading.ts';
import { SluiceError } from '../../src/errors.ts';
import type { TestedDriver } from './driver-openers.ts';
import {
  type DriverWorld,
  eventually,
  openDriverWorld,
  outputOf,
  pidsOf,
  textOf,
  TEST_USER,
  whyNoCgroup,
} from './driver-world.ts';

const TERM = { signal: 'SIGTERM', graceMs: 5_000 } as const;
const IMPATIENT = { signal: 'SIGTERM', graceMs: 300 } as const;

const codeOf = (error: unknown): unknown => (error instanceof SluiceError ? error.code : error);

/** The code of what a promise is rejected with. */
export const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(() => 'no error', codeOf);

const exitOf = (driver: Driver, id: string): Promise<ExitStatus> =>
  new Promise((resolve) => void driver.onExit(id, resolve));

let count = 0;
/** Ids that no other test of this machine has: processes are found by them. */
export const freshId = (): string => `t${process.pid}-${(count += 1)}`;

/** Runs the contract on one driver. */
export function driverContract(name: TestedDriver): void {
  describe(`the driver contract: ${name}`, () => {
    let world: DriverWorld;
    let driver: Driver;
    let id: string;
    beforeEach(async () => {
      world = await openDriverWorld(name);
      driver = await world.open();
      id = freshId();
    });
    afterEach(() => world.close());
    const all = async (): Promise<readonly (readonly [string, string])[]> =>
      (await driver.list()).map((found) => [found.id, found.kind]);

    const isContainer = name === 'podman';

    it('works on this machine', async () => {
      expect(await driver.fingerprint()).toMatchObject({ ok: true });
      expect(await driver.list()).toEqual([]);
    });

    it('starts once however often it is told, and lists what it started', async () => {
      const order = world.order({ id, port: 20_007, service: 'shop' });
      const first = await driver.start(order);
      expect(first).toMatchObject({ kind: 'running', id, service: 'shop', port: 20_007 });
      expect(await Promise.all([driver.start(order), driver.start(order)])).toEqual([first, first]);
      expect(await driver.list()).toEqual([first]);
    });

    it('finds everything again through a new driver object, and can end it', async () => {
      const first = await driver.start(world.order({ id }));
      const second = await world.open();
      expect(await second.list()).toEqual([first]);
      await second.stop(id, TERM);
      expect((await second.list()).map(({ kind }) => kind)).toEqual(['exited']);
      expect(pidsOf(id)).toEqual([]);
    });

    it('tells once when an instance has ended, also who asks later, and lets it be started again', async () => {
      // podman itself takes longer than what the others need for all of it.
      const order = world.order({ id, script: `echo run; sleep ${isContainer ? 2 : 0.2}` });
      await driver.start(order);
      let calls = 0;
      driver.onExit(id, () => (calls += 1));
      await exitOf(driver, id);
      await exitOf(driver, id);
      expect(calls).toBe(1);
      expect(await all()).toEqual([[id, 'exited']]);
      expect(await driver.start(order)).toMatchObject({ kind: 'running' });
      await exitOf(driver, id);
      expect(await outputOf(driver, id, 'stdout')).toBe('run\nrun\n');
    });

    it('stops, says so again, and forgets with all files', async () => {
      await driver.start(world.order({ id }));
      expect(await failure(driver.remove(id))).toBe('failed');
      const exit = await driver.stop(id, TERM);
      expect(await driver.stop(id, TERM)).toEqual(exit);
      await driver.remove(id);
      expect(await driver.list()).toEqual([]);
      expect(existsSync(path.join(world.root, 'instances', id))).toBe(false);
      expect(await failure(driver.stop(id, TERM))).toBe('not-found');
    });

    it('ends what ignores TERM and has forked out of its session', async ({ skip }) => {
      skip(name === 'exec' && whyNoCgroup('pids') !== undefined, whyNoCgroup('pids'));
      const script = `trap '' TERM; setsid sh -c "trap '' TERM; sleep 1001" & (sleep 1002 &) ; while :; do sleep 1; done`;
      await driver.start(world.order({ id, script }));
      await eventually(() => expect(pidsOf(id).length).toBeGreaterThanOrEqual(4));
      await driver.stop(id, IMPATIENT);
      expect(pidsOf(id)).toEqual([]);
    });

    it('gives the environment and the words of the order as they are', async () => {
      // Line breaks are refused for containers.
      const value = `a${isContainer ? ' ' : '\n'}b $(touch ${world.scratch}/x) ' " ; \` {port} %s`;
      // Container runtimes add HOME and what the image says.
      const foreign = isContainer ? 'LC_ALL' : 'HOME';
      const env = { ODD: value, EMPTY: '' };
      const script = `printf "%s|" "$ODD" "$EMPTY" "\${${foreign}-none}" "$PATH" "$SLUICE_INSTANCE_ID" "$(pwd)"; exec sleep 1000`;
      await driver.start(world.order({ id, env, script, workingDirectory: '/usr' }));
      const expected = `${value}||none|/usr/bin:/bin|${id}|/usr|`;
      await eventually(async () => expect(await outputOf(driver, id, 'stdout')).toBe(expected));
      expect(existsSync(`${world.scratch}/x`)).toBe(false);
    });

    it('refuses what cannot be run, with a clear error, and leaves nothing behind', async () => {
      const cases = [
        [{ command: ['/tmp/no/such'] }, 'failed', /there is no \/tmp\/no\/such/],
        [{ command: ['nosuchprogram'] }, 'failed', /in PATH "\/usr\/bin:\/bin"/],
        [{ command: ['./relative'] }, 'failed', /relative/],
        [{ command: ['/etc/passwd'] }, 'failed', /execute permission/],
        [{ user: 'nosuchuser' }, 'config', /getent/],
        // Where tests have no other user than root, the policy allows it.
        ...(TEST_USER === 'root' ? [] : [[{ user: 'root' }, 'permission', /allowRoot/] as const]),
        [{ workingDirectory: '/nosuch' }, 'failed', /no such folder/],
        [{ workingDirectory: '/etc' }, 'permission', /directories/],
        [{ command: ['/usr/sbin/nologin'] }, 'permission', /commands/],
        [{ command: ['/usr/bin/../sbin/nologin'] }, 'permission', /commands/],
        [{ command: ['/bin/sh\n'] }, 'failed', /there is no/],
        [{ command: ['/bin/sh -c id'] }, 'failed', /there is no/],
        [{ command: ['../../bin/sh'] }, 'failed', /relative/],
        [{ command: [''] }, 'failed', /in PATH/],
        [{ workingDirectory: '/usr/../etc' }, 'permission', /directories/],
        [{ workingDirectory: '/usr/$(id)' }, 'failed', /no such folder/],
        [{ workingDirectory: 'usr' }, 'failed', /absolute/],
        [{ user: '0' }, 'config', /getent/],
        [{ user: 'nobody:root' }, 'config', /getent/],
        [{ user: '--help' }, 'config', /getent/],
        [{ env: { 'A=B': '1' } }, 'failed', /name is letters/],
        [{ env: { '-u': 'PATH' } }, 'failed', /name is letters/],
        [{ env: { LD_PRELOAD: '/tmp/x' } }, 'permission', /env/],
        [{ env: { A: 'a\0b' } }, 'failed', /process/],
        [{ port: 80 }, 'permission', /ports/],
      ] as const;
      for (const [change, code, why] of cases) {
        // Program and folder of a container are its image's.
        if (isContainer && ('command' in change || 'workingDirectory' in change)) continue;
        const error: unknown = await driver.start(world.order({ id, ...change })).catch((e: unknown) => e);
        expect([change, codeOf(error)]).toEqual([change, code]);
        expect(error instanceof SluiceError ? error.why : '').toMatch(why);
      }
      expect(await driver.list()).toEqual([]);
    });

    it('takes no id that is a path', async () => {
      for (const bad of ['../x', '..', '/etc', 'a/b', '', 'a\n', '-rf', '.hidden', 'x'.repeat(200)]) {
        expect([bad, await failure(driver.start(world.order({ id: bad })))]).toEqual([bad, 'failed']);
        expect([bad, await failure(driver.stop(bad, TERM))]).toEqual([bad, 'failed']);
        expect([bad, await failure(driver.remove(bad))]).toEqual([bad, 'failed']);
      }
    });

    it('loses no line of a hot writer over rotations, and follows it', async () => {
      const script = `i=0; while [ $i -lt 60000 ]; do echo "line $i xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"; i=$((i+1)); case $i in *000) sleep 0.05;; esac; done; echo done >&2; exec sleep 1000`;
      await driver.start(world.order({ id, script, logs: { maxBytes: 65_536, keep: 100 } }));
      const stop = new AbortController();
      let followed = '';
      const following = (async () => {
        for await (const chunk of driver.logs(id, { stream: 'stdout', follow: true, signal: stop.signal }))
          followed += Buffer.from(chunk).toString('latin1');
      })();
      const file = path.join(world.root, 'instances', id, 'stdout.log');
      await eventually(async () => expect(await outputOf(driver, id, 'stderr')).toBe('done\n'));
      const whole = await outputOf(driver, id, 'stdout');
      const numbers = [...whole.matchAll(/^line (\d+) x{40}$/gm)].map((match) => Number(match[1]));
      expect(numbers).toEqual(Array.from({ length: 60_000 }, (_, at) => at));
      expect(existsSync(`${file}.2`)).toBe(true);
      await eventually(() => expect(followed.length).toBe(whole.length));
      expect(followed === whole).toBe(true);
      stop.abort();
      await following;
      const tail: string[] = [];
      for await (const chunk of driver.logs(id, {
        stream: 'both',
        tail: 2,
        follow: false,
        signal: new AbortController().signal,
      }))
        tail.push(Buffer.from(chunk).toString());
      expect(tail.join('')).toMatch(/^line 59998 x+\nline 59999 x+\ndone\n$/);
    });

    it('holds a program that forks without bound to its limit', async ({ skip }) => {
      skip(whyNoCgroup('pids') !== undefined, whyNoCgroup('pids'));
      const script = `f() { while :; do sleep 1003 & done; }; f 2>/dev/null; exec sleep 1000`;
      await driver.start(
        world.order({ id, script: `sh -c '${script}'; exec sleep 1000`, limits: { pids: 20 } }),
      );
      await eventually(async () => {
        const usage = (await driver.usage([id])).get(id);
        expect(usage?.pids).toBeGreaterThanOrEqual(15);
      });
      expect(pidsOf(id).length).toBeLessThanOrEqual(22);
      await driver.stop(id, IMPATIENT);
      expect(pidsOf(id)).toEqual([]);
    });

    it('says that an instance was killed for its memory', async ({ skip }) => {
      skip(whyNoCgroup('memory') !== undefined, whyNoCgroup('memory'));
      // In groups of version 1 podman does not see what happens before the container has settled; exec must be seen running once.
      const script = `${name === 'process' ? '' : 'sleep 2; '}exec tail /dev/zero`;
      await driver.start(world.order({ id, script, limits: { memoryBytes: 30_000_000 } }));
      expect(await exitOf(driver, id)).toMatchObject({ outOfMemory: true });
    });

    it('counts what runs, and nothing else', async () => {
      await driver.start(world.order({ id, script: 'while :; do :; done' }));
      if (name === 'exec' && whyNoCgroup('memory') !== undefined) return;
      await eventually(async () => {
        const usage = await driver.usage([id, 'other']);
        expect(usage.get(id)?.cpuSeconds).toBeGreaterThan(0.05);
        expect([...usage.keys()]).toEqual([id]);
      });
      await driver.stop(id, IMPATIENT);
      expect((await driver.usage([id])).size).toBe(0);
    });

    it('lets the monitor of its node see what an instance uses, and that it has ended', async () => {
      const readRunning = createRunningReader(world.stateDir);
      const files = createKernelFiles();
      const processes = createProcessTable(files);
      const use = (): InstanceUse | undefined => {
        const local = readRunning().map((one) => ({
          name: one.id,
          ip: '127.0.0.1',
          port: 20_001,
          running: runningOf(one),
        }));
        return readInstanceUse({ files, processes }, local).get(id);
      };
      await driver.start(world.order({ id, script: 'while :; do :; done' }));
      const isSeen = name !== 'exec' || whyNoCgroup('memory') === undefined;
      await eventually(() => {
        const found = use();
        expect(found?.run).toMatch(/./);
        expect((found?.memoryBytes ?? 0) > 10_000).toBe(isSeen);
        expect(found?.cpuSeconds !== undefined || found?.processes !== undefined).toBe(isSeen);
      });
      await driver.stop(id, IMPATIENT);
      // Its end is told before it is written down.
      await eventually(() => expect(readRunning()).toEqual([]));
      files.close();
    });

    it('passes over what is left of a broken removal', async () => {
      mkdirSync(path.join(world.root, 'instances', 'left'));
      expect(await driver.list()).toEqual([]);
      expect(textOf(path.join(world.root, 'instances', 'left', 'record.json'))).toBe('');
    });
  });
}
