/** The driver contract on plain processes, and what only they have: shims, identities, exit codes, agents that die at any moment. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readProcStat } from '../../src/host/proc-stat.ts';
import { readCgroupMounts } from '../../src/runtime/cgroup/mounts.ts';
import { createRunningReader } from '../../src/runtime/running.ts';
import { parseProcess } from '../../src/sampling/parse/process.ts';
import type { Driver, ExitStatus, Observed } from '../../src/runtime/driver.ts';
import { programContract } from './driver-programs.ts';
import { driverContract, freshId } from './driver-suite.ts';
import {
  type DriverWorld,
  eventually,
  openDriverWorld,
  outputOf,
  pidsOf,
  recordOf,
  TEST_USER,
  textOf,
  whyNoCgroup,
} from './driver-world.ts';

driverContract('process');
programContract('process');

const sharesOf = (group: string): number => Number(textOf(path.join(group, 'cpu.shares')));
const exitOf = (driver: Driver, id: string): Promise<ExitStatus> =>
  new Promise((resolve) => void driver.onExit(id, resolve));

function mainOf(found: Observed): number {
  if (found.kind !== 'running' || found.main === undefined) throw new Error('it does not run');
  return found.main.pid;
}

describe('the driver process', () => {
  let world: DriverWorld;
  let driver: Driver;
  let id: string;
  beforeEach(async () => {
    world = await openDriverWorld('process');
    driver = await world.open();
    id = freshId();
  });
  afterEach(() => world.close());
  const folder = (): string => path.join(world.root, 'instances', id);
  const shim = (): number => Number.parseInt(readFileSync(path.join(folder(), 'pids'), 'utf8'), 10);
  const start = async (script?: string): Promise<number> =>
    mainOf(await driver.start(world.order({ id, ...(script === undefined ? {} : { script }) })));

  it('keeps exit codes and signals', async () => {
    const cases = [
      ['sleep 0.05; exit 7', { code: 7, signal: undefined }],
      ['sleep 0.05; exit 0', { code: 0, signal: undefined }],
      ['sleep 0.05; kill -KILL $$', { code: undefined, signal: 'SIGKILL' }],
      ['sleep 0.05; kill -INT $$', { code: undefined, signal: 'SIGINT' }],
      ['exit 3', { code: 3, signal: undefined }],
    ] as const;
    for (const [script, exit] of cases) {
      await driver.start(world.order({ id, script }));
      const found = await exitOf(driver, id);
      expect([script, found]).toMatchObject([script, { ...exit, lost: false, outOfMemory: false }]);
      expect(Date.parse(found.at ?? '')).toBeGreaterThan(Date.now() - 60_000);
    }
  });

  it('ends by any of the signals, none of which its programs were started to ignore', async () => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) {
      await start();
      expect(await driver.stop(id, { signal, graceMs: 10_000 })).toMatchObject({ signal });
    }
  });

  it('drops privileges, has no files of the agent, and leads a session of its own', async ({ skip }) => {
    skip(TEST_USER === 'root', 'needs root of the machine: another user');
    const script = `ls -l /proc/self/fd | grep -c -- '->'; grep -E '^(Uid|Groups|NoNewPrivs|CapBnd|CapEff|SigIgn)' /proc/self/status; cat /proc/self/oom_score_adj; umask; exec sleep 1000`;
    const pid = await start(script);
    await eventually(async () => expect(await outputOf(driver, id, 'stdout')).toMatch(/^0022$/m));
    const output = await outputOf(driver, id, 'stdout');
    expect(output).toMatch(/^4\n/); // three, and the folder that ls lists
    expect(output).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(output).toMatch(/^SigIgn:\s+0{16}$/m);
    expect(output).toMatch(/^CapEff:\s+0{16}$/m);
    expect(process.geteuid?.() === 0 ? output : 'CapBnd:\t0000000000000000').toMatch(/^CapBnd:\s+0{16}$/m);
    expect(readProcStat(pid)?.session).toBe(pid);
  });

  it('gives limits of open files, and says what it cannot give', async () => {
    const script = 'ulimit -n; exec sleep 1000';
    const found = await driver.start(world.order({ id, script, limits: { files: 99 } }));
    await eventually(async () => expect(await outputOf(driver, id, 'stdout')).toBe('99\n'));
    expect(found).toMatchObject({ notes: [] });
  });

  it('weighs all instances together as much as the processors of the node, and each alike', async ({
    skip,
  }) => {
    skip(!readCgroupMounts().v1.has('cpu') || whyNoCgroup('pids') !== undefined, 'no cpu.shares here');
    await start();
    const { cgroups } = createRunningReader(world.stateDir)().find((one) => one.id === id) ?? {};
    const group = cgroups?.folderOf.cpu ?? '';
    expect(sharesOf(group)).toBe(1_024);
    const above = 1_024 * availableParallelism();
    expect(sharesOf(path.dirname(group))).toBe(above);
    expect(sharesOf(path.dirname(path.dirname(group)))).toBe(above);
  });

  it('says plainly which limits are not enforced without control groups', async () => {
    const bare = await world.open({ noCgroups: true });
    const limits = { cpu: 1, memoryBytes: 2 ** 30, pids: 10 };
    const found = await bare.start(world.order({ id, limits }));
    expect(found.kind === 'running' ? found.notes.join('\n') : '').toMatch(
      /cpu limit not enforced: no cgroup.*\nmemory limit not enforced: .*address space.*\npids limit not enforced/,
    );
    expect((await bare.usage([id])).get(id)).toMatchObject({ pids: 1 });
  });

  it('without control groups still ends what left the session', async () => {
    const bare = await world.open({ noCgroups: true });
    const script = `trap '' TERM; setsid sh -c "trap '' TERM; sleep 1001" & while :; do sleep 1; done`;
    await bare.start(world.order({ id, script }));
    await eventually(() => expect(pidsOf(id).length).toBeGreaterThanOrEqual(3));
    await bare.stop(id, { signal: 'SIGTERM', graceMs: 100 });
    expect(pidsOf(id)).toEqual([]);
  });

  it("without control groups leaves another agent's instance of the same id alone", async () => {
    const script = `trap '' TERM; setsid sh -c "trap '' TERM; sleep 1001" & while :; do sleep 1; done`;
    const elsewhere = await openDriverWorld('process');
    try {
      const [mine, other] = [
        await world.open({ noCgroups: true }),
        await elsewhere.open({ noCgroups: true }),
      ];
      await other.start(elsewhere.order({ id, script }));
      await mine.start(world.order({ id, script }));
      await eventually(() => expect(pidsOf(id).length).toBeGreaterThanOrEqual(6));
      await mine.stop(id, { signal: 'SIGTERM', graceMs: 100 });
      expect(pidsOf(id).length).toBeGreaterThanOrEqual(3);
      expect(await other.list()).toMatchObject([{ kind: 'running' }]);
      await other.stop(id, { signal: 'SIGTERM', graceMs: 100 });
      expect(pidsOf(id)).toEqual([]);
    } finally {
      await elsewhere.close();
    }
  });

  it('ends what a program that ended by itself has left behind', async () => {
    await start('sleep 1001 & setsid sleep 1002 & sleep 0.1; exit 4');
    expect(await exitOf(driver, id)).toMatchObject({ code: 4 });
    await eventually(() => expect(pidsOf(id)).toEqual([]));
  });

  it('goes on when its shim is killed, and knows that the end was seen by nobody', async () => {
    const pid = await start();
    process.kill(shim(), 'SIGKILL');
    await eventually(() => expect(readProcStat(shim())?.state ?? 'Z').toBe('Z'));
    expect(await driver.list()).toMatchObject([{ kind: 'running', main: { pid } }]);
    expect(await (await world.open()).list()).toMatchObject([{ kind: 'running', main: { pid } }]);
    process.kill(pid, 'SIGKILL');
    expect(await exitOf(driver, id)).toMatchObject({ lost: true, code: undefined, signal: undefined });
  });

  it('sees the end when shim and program are killed together, in either order', async () => {
    for (const order of ['shim first', 'program first'] as const) {
      const pid = await start();
      const keeper = shim();
      for (const victim of order === 'shim first' ? [keeper, pid] : [pid, keeper])
        process.kill(victim, 'SIGKILL');
      const exit = await exitOf(driver, id);
      expect([order, exit.lost || exit.signal === 'SIGKILL']).toEqual([order, true]);
    }
  });

  it('stops what has lost its shim', async () => {
    const pid = await start(`trap '' TERM; sleep 1001 & while :; do sleep 1; done`);
    process.kill(shim(), 'SIGKILL');
    await driver.stop(id, { signal: 'SIGTERM', graceMs: 100 });
    expect(readProcStat(pid)?.state ?? 'Z').toBe('Z');
    expect(pidsOf(id)).toEqual([]);
  });

  it('sees a stopped program, and kills it', async () => {
    const pid = await start(`trap '' TERM; echo up; while :; do sleep 1; done`);
    await eventually(async () => expect(await outputOf(driver, id, 'stdout')).toBe('up\n'));
    expect(driver.isHalted?.(id)).toBe(false);
    process.kill(pid, 'SIGSTOP');
    await eventually(() => expect(driver.isHalted?.(id)).toBe(true));
    process.kill(pid, 'SIGCONT');
    await eventually(() => expect(driver.isHalted?.(id)).toBe(false));
    process.kill(pid, 'SIGSTOP');
    expect(await driver.stop(id, { signal: 'SIGTERM', graceMs: 100 })).toMatchObject({ signal: 'SIGKILL' });
  });

  it('tells others which program leads the session of all its processes', async () => {
    const pid = await start('sleep 1000 & exec sleep 1000');
    const running = createRunningReader(world.stateDir);
    expect(running()).toMatchObject([{ id, main: { pid } }]);
    await eventually(() => expect(pidsOf(id)).toHaveLength(2));
    const sessions = pidsOf(id).map(
      (one) => parseProcess(readFileSync(`/proc/${one}/stat`, 'utf8'))?.session,
    );
    expect(sessions).toEqual([pid, pid]);
  });

  it('knows a start that was written down only, and lets no late shim begin it', async () => {
    await start();
    await driver.stop(id, { signal: 'SIGTERM', graceMs: 5_000 });
    // As an agent leaves it that is killed right before, or right after, it asked for the shim.
    const file = path.join(folder(), 'record.json');
    const record = textOf(file);
    const later = record.replace(/,"ended":\{[^}]*\}/, '').replace(/"run":"[^"]*"/, '"run":"later"');
    expect(record.length - later.length).toBeGreaterThan(20);
    writeFileSync(file, later);
    writeFileSync(path.join(folder(), 'run'), 'later\n');
    rmSync(path.join(folder(), 'pids'));
    const next = await world.open();
    expect(await next.list()).toMatchObject([{ id, kind: 'exited', exit: { lost: true, unstarted: true } }]);
    const begun = path.join(world.scratch, 'begun');
    const shimArgs = [
      path.join(world.root, 'shim.sh'),
      folder(),
      'later',
      path.join(world.root, 'exits'),
      id,
    ];
    expect(spawnSync('sh', [...shimArgs, 'touch', begun]).status).toBe(0);
    expect([existsSync(path.join(folder(), 'pids')), existsSync(begun)]).toEqual([false, false]);
    expect((await next.start(world.order({ id }))).kind).toBe('running');
  });

  it('does not take another process of the same pid for its own, nor touch it', async () => {
    const stranger = spawn('sleep', ['1000'], { stdio: 'ignore', env: {} });
    try {
      const pid = await start();
      await driver.stop(id, { signal: 'SIGTERM', graceMs: 5_000 });
      const file = path.join(folder(), 'record.json');
      const { ended, ...record } = recordOf(world, id);
      expect(ended).toBeDefined();
      writeFileSync(file, JSON.stringify(record));
      rmSync(path.join(world.root, 'exits', id));
      const fake = textOf(path.join(folder(), 'pids')).replaceAll(/^\d+/gm, String(stranger.pid));
      writeFileSync(path.join(folder(), 'pids'), fake);
      const second = await world.open();
      expect(await second.list()).toMatchObject([{ kind: 'exited', exit: { lost: true } }]);
      expect(await second.stop(id, { signal: 'SIGTERM', graceMs: 100 })).toMatchObject({ lost: true });
      expect(readProcStat(stranger.pid ?? 0)?.state).toBe('S');
      expect(pid).not.toBe(stranger.pid);
    } finally {
      stranger.kill('SIGKILL');
    }
  });

  it('takes nothing for running after a reboot', async () => {
    await start();
    const after = await world.open({ bootId: 'another-boot' });
    expect(await after.list()).toMatchObject([{ kind: 'exited', exit: { lost: true } }]);
    await after.close();
    // In truth it runs: as it was, so that it is ended with the world.
    const { ended: _, ...record } = recordOf(world, id);
    writeFileSync(path.join(folder(), 'record.json'), JSON.stringify(record));
  });

  it('takes a zombie for dead', async () => {
    const pid = await start();
    process.kill(shim(), 'SIGSTOP');
    process.kill(pid, 'SIGKILL');
    await eventually(() => expect(readProcStat(pid)?.state ?? 'Z').toBe('Z'));
    expect(await exitOf(driver, id)).toMatchObject({ lost: true });
  });

  it('tells ends that came while no agent was there', async () => {
    await start('sleep 0.1; exit 9');
    await driver.close();
    await eventually(() => expect(textOf(path.join(world.root, 'exits', id))).toContain(' end'));
    const second = await world.open();
    expect(await second.list()).toMatchObject([{ kind: 'exited', exit: { code: 9, lost: false } }]);
    expect(await exitOf(second, id)).toMatchObject({ code: 9 });
  });

  it('starts nothing where a link was put in the way after the policy was asked', async () => {
    const late = path.join(world.scratch, 'late');
    mkdirSync(late);
    const swapped = await world.open({
      afterAdmission: () => {
        rmSync(late, { recursive: true });
        symlinkSync('/etc', late);
      },
    });
    const order = world.order({ id, workingDirectory: late, script: `touch ${world.scratch}/ran` });
    expect(await swapped.start(order).catch((error: unknown) => error)).toMatchObject({
      code: 'failed',
      why: expect.stringContaining('is not what it was') as unknown,
    });
    expect(existsSync(`${world.scratch}/ran`)).toBe(false);
    expect(pidsOf(id)).toEqual([]);
  });

  it('runs words as they are, whatever a shell would make of them', async () => {
    const mark = path.join(world.scratch, 'ran');
    const words = [
      `$(touch ${mark})`,
      `; touch ${mark}`,
      `'"\`touch ${mark}\``,
      `| touch ${mark} &`,
      '{port} {{ip}} ${IFS}',
      '--',
      '-c',
      '',
      'a\nb\t\u0001',
      '%s%n\\x',
      '*',
      '~root',
    ];
    const print =
      'my @a = map { s/\\n/<br>/g; $_ } @ARGV; $| = 1; print join("|", scalar(@a), @a), "\n"; sleep 1000';
    await driver.start(world.order({ id, command: ['/usr/bin/perl', '-e', print, '--', ...words] }));
    const said = [words.length, ...words.map((word) => word.replaceAll('\n', '<br>'))].join('|');
    await eventually(async () => expect(await outputOf(driver, id, 'stdout')).toBe(`${said}\n`));
    expect(existsSync(mark)).toBe(false);
  });

  it('has groups only while instances run', async ({ skip }) => {
    skip(whyNoCgroup('pids') !== undefined, whyNoCgroup('pids'));
    await start();
    const folders = textOf(path.join(folder(), 'record.json')).match(/\/sys\/[^"]+/g) ?? [];
    expect(folders.length).toBeGreaterThan(0);
    expect(folders.every((group) => existsSync(group))).toBe(true);
    await driver.stop(id, { signal: 'SIGTERM', graceMs: 5_000 });
    expect(folders.some((group) => existsSync(group))).toBe(false);
  });
});
