import { cp, readdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Child } from '../../src/dev/child.ts';
import { answered, type LoadResult, type LoadSpec } from '../../src/dev/load/outcome.ts';
import { type LoadRun, startLoad } from '../../src/dev/load/start-load.ts';
import type { Workplace } from '../../src/dev/machine.ts';
import { systemClock } from '../../src/host/clock.ts';
import { readChecksummed } from '../../src/host/files.ts';
import { waitUntil } from '../../src/host/wait.ts';
import type { Instance } from '../../src/model/service.ts';
import { sluice, stateDirOf } from './harness/control.ts';
import { SLUICE } from './harness/program.ts';
import {
  bearersOf,
  bearersOn,
  doubled,
  killNow,
  mainsOf,
  perl,
  SERVE,
  shimsOf,
} from './harness/fault-world.ts';
import { type InstanceWorld, openInstanceWorld } from './harness/instance-world.ts';
import { programArgv } from './harness/programs.ts';
import { useLab } from './harness/use-lab.ts';

/** The issue asks for 100; AGENT_KILLS=100 runs them. */
const KILLS = Number(process.env['AGENT_KILLS'] ?? 8);
const LONGEST_LIFE_MS = 1_500;
const STOP = { reason: 'scaled down', since: '2026-01-01T00:00:00.000Z' };

/** An id that no other lab on this machine has at the same time. */
const named = (id: string): string => `${id}-${process.pid}`;

/** A load of 100 connections a second, and when it began. */
interface Load {
  readonly run: LoadRun;
  readonly startedMs: number;
}

/** Enough to mean something, however quickly the agent is back: 100 attempts and some. */
const SHORTEST_LOAD_MS = 1_500;

/** @param timeoutMs an attempt that takes longer has failed */
async function loadFrom(node: Workplace, timeoutMs = 3_000): Promise<Load> {
  const pace = { kind: 'rate', perSecond: 100 } as const;
  const spec: LoadSpec = { host: '10.96.0.10', port: 80, pace, count: 1_000_000, durationMs: 390_000 };
  const run = await startLoad({ ...spec, timeoutMs }, { worker: programArgv('load'), ns: node.ns });
  return { run, startedMs: systemClock.monotonicMs() };
}

/** Ends a load once it has been long enough. */
async function ended({ run, startedMs }: Load): Promise<LoadResult> {
  const isLong = (): boolean => systemClock.monotonicMs() - startedMs >= SHORTEST_LOAD_MS;
  await waitUntil(isLong, { what: 'enough attempts', timeoutMs: 10_000 });
  return await run.stop();
}

/** @param facts what a person needs who sees it fail */
async function expectNoFailure(load: Load, facts = ''): Promise<void> {
  const result = await ended(load);
  expect([result.failures, result.failures.length === 0 ? '' : facts]).toEqual([[], '']);
  expect(answered(result)).toBe(result.attempts);
  expect(result.attempts).toBeGreaterThan(100);
}

/** All that was said of instances whose end nobody saw. */
function linesOfUnseen(words: string): readonly string[] {
  const lines = words.split('\n');
  const ids = lines.flatMap((line) =>
    line.includes('nobody saw') ? (/ id=(\S+)/.exec(line)?.[1] ?? []) : [],
  );
  return lines.filter((line) => ids.some((id) => line.includes(`id=${id} `)));
}

/** This build with another version: its folder, and how to run it. */
async function otherVersion(folder: string): Promise<readonly string[]> {
  const root = path.dirname(path.dirname(SLUICE[1] ?? ''));
  for (const part of ['bin', 'dist', 'package.json']) {
    await cp(path.join(root, part), path.join(folder, part), { recursive: true });
  }
  const chunks = path.join(folder, 'dist/chunks');
  for (const name of await readdir(chunks)) {
    const text = await readFile(path.join(chunks, name), 'utf8');
    const changed = text.replace(/VERSION="[\d.]+"/, 'VERSION="99.0.0"');
    if (changed !== text) await writeFile(path.join(chunks, name), changed);
  }
  return [process.execPath, path.join(folder, 'bin/sluice.js')];
}

describe('instances under faults', { timeout: 390_000 }, () => {
  const lab = useLab({ nodes: 3, etcd: 1 });
  let web: InstanceWorld;
  /** A service beside it, whose instances come and go. */
  let churn: InstanceWorld;
  let neighbour: Child;
  let agent: Child;
  const node = (): Workplace => lab().node(2);

  beforeAll(async () => {
    [web, churn] = await Promise.all([
      openInstanceWorld(lab()),
      openInstanceWorld(lab(), { name: 'churn', entryIp: '10.96.0.11' }),
    ]);
    [neighbour, agent] = await Promise.all([web.agent(lab().node(1)), web.agent(node())]);
  });
  afterAll(async () => {
    await Promise.all([neighbour.stop('SIGKILL'), agent.stop('SIGKILL')]);
    await Promise.all([web.close(), churn.close()]);
  });

  /** Away after the test. */
  const cleared = (world: InstanceWorld, ids: readonly string[]): void => {
    const isClear = (): boolean => {
      const bearers = bearersOn(node());
      return !ids.some((id) => bearers.has(id));
    };
    onTestFinished(async () => {
      for (const id of ids) await world.unassign(node(), id);
      await waitUntil(isClear, {
        what: 'the instances to be gone',
        timeoutMs: 60_000,
        facts: () => agent.stderr().slice(-4_000),
      });
    });
  };
  const serving = async (ids: readonly string[]): Promise<readonly Instance[]> => {
    for (const id of ids) await web.assign(node(), id);
    cleared(web, ids);
    return await web.states(ids, 'ready');
  };
  /** The table of refusals that are held back; empty if there is none. */
  const refusals = async (): Promise<string> =>
    (await node().run(['nft', 'list', 'table', 'inet', 'sluice_refusals'])).stdout;
  const refusalsHeld = async (instance: Instance | undefined): Promise<void> => {
    await waitUntil(async () => (await refusals()).includes(` . ${instance?.port} `), {
      what: 'the refusals of an instance to be held back',
      timeoutMs: 20_000,
    });
  };
  const mains = (ids: readonly string[]): readonly (readonly number[])[] =>
    ids.map((id) => mainsOf(node(), id));

  it(`outlive ${KILLS} agents killed at random moments while others come, end and go: none twice, no orphan, no failed connection`, async () => {
    const stay = [named('s1'), named('s2')];
    await serving(stay);
    const before = mains(stay);
    expect(before.map((pids) => pids.length)).toEqual([1, 1]);
    const applied = async (): Promise<boolean> => {
      const waited = await sluice(lab(), node(), ['wait', 'web', '--for', 'converged', '--timeout', '5s']);
      return waited.exitCode === 0;
    };
    await waitUntil(applied, { what: 'the rules of both nodes', timeoutMs: 30_000 });
    const loads = [await loadFrom(lab().node(1)), await loadFrom(node())];
    const ids = Array.from({ length: KILLS }, (_, round) => named(`x${round}`));
    const told: string[] = [];
    for (const [round, id] of ids.entries()) {
      const isMortal = round % 3 === 0 && round < KILLS - 4;
      await churn.assign(node(), id, { template: perl(isMortal ? 'sleep 1; exit 7' : SERVE) });
      const [leaving, left] = [ids[round - 2], ids[round - 4]];
      if (leaving !== undefined) {
        await churn.assign(node(), leaving, { template: perl(SERVE), stop: STOP });
      }
      if (left !== undefined) await churn.unassign(node(), left);
      await systemClock.sleep(Math.random() * LONGEST_LIFE_MS);
      await agent.stop('SIGKILL');
      told.push(agent.stderr());
      expect(mains(stay)).toEqual(before);
      expect(doubled(node())).toEqual([]);
      agent = await web.agent(node(), { wait: false });
    }
    const [third = '', fourth = '', second = '', last = ''] = ids.slice(-4);
    expect(await churn.states([third, fourth], 'stopped')).toHaveLength(2);
    await churn.states([second, last], 'ready');
    const kept = await web.states(stay, 'ready');
    const restarts = kept.map((one) => one.restarts);
    const lines = [...told, agent.stderr()].join('').split('\n');
    const said = lines.filter((line) => stay.some((id) => line.includes(`id=${id} `)));
    expect([restarts, restarts.some((count) => count !== 0) ? said : []]).toEqual([stay.map(() => 0), []]);
    const expected = [...stay, second, last].toSorted();
    await waitUntil(() => [...shimsOf(node()).keys()].toSorted().join(' ') === expected.join(' '), {
      what: 'shims of what runs only',
      timeoutMs: 30_000,
      facts: () => [...shimsOf(node()).keys()].join(' '),
    });
    // Orphans of any instance, in any session.
    expect([...bearersOn(node()).keys()].toSorted()).toEqual(expected);
    expect(mains(expected).map((pids) => pids.length)).toEqual([1, 1, 1, 1]);
    const words = [...told, agent.stderr()].join('');
    const ofWeb = words.split('\n').filter((line) => /service=web|saved snapshot|rules applied/.test(line));
    for (const load of loads) await expectNoFailure(load, ofWeb.join('\n'));
    expect(linesOfUnseen(words)).toEqual([]);
    expect(words).not.toContain('[internal]');
    cleared(churn, ids);
  });

  it('are found by an agent of another version, over state that it did not write', async () => {
    const ids = [named('u1'), named('u2')];
    // Saved before they were there, as by an agent that was killed right after its last change.
    const snapshot = path.join(stateDirOf(node()), 'snapshot.json');
    const older = await readFile(snapshot);
    const [first] = await serving(ids);
    const before = mains(ids);
    await refusalsHeld(first);
    const load = await loadFrom(node());
    await agent.stop('SIGTERM');
    expect(await refusals()).toBe('');
    await writeFile(snapshot, older);
    const folder = path.join(stateDirOf(node()), 'drivers/process');
    await writeFile(path.join(folder, 'shim.sh'), '# of another version\nexit 1\n');
    for (const id of ids) {
      const file = path.join(folder, 'instances', id, 'record.json');
      const record = await readFile(file, 'utf8');
      await writeFile(file, record.replace('{', '{"later":{"a":1},'));
    }
    const program = await otherVersion(path.join(lab().folder, 'other'));
    agent = await web.agent(node(), { program });
    expect(agent.stderr()).toContain('version=99.0.0');
    expect(await web.states(ids, 'ready')).toMatchObject(ids.map(() => ({ restarts: 0 })));
    expect(mains(ids)).toEqual(before);
    await expectNoFailure(load);
    // What ends now is known, and started anew by this version's shim.
    killNow(before[0]?.[0]);
    const restart = { what: 'the restart', timeoutMs: 30_000, facts: () => agent.stderr().slice(-4_000) };
    await waitUntil(async () => (await web.states(ids, 'ready'))[0]?.restarts === 1, restart);
    expect(agent.stderr()).toMatch(/instance failed .*killed by SIGKILL/);
    expect(mains(ids).map((pids) => pids.length)).toEqual([1, 1]);
    expect(mains(ids)[1]).toEqual(before[1]);
  });

  it('that are killed under load refuse nobody, on any node: what they had not answered goes to another', async () => {
    const ids = [named('l1'), named('l2')];
    const [victim] = await serving(ids);
    await refusalsHeld(victim);
    // The second SYN comes after a second, the third after three: a busy machine may need that one.
    const loads = [await loadFrom(lab().node(1), 20_000), await loadFrom(node(), 20_000)];
    killNow(mainsOf(node(), ids[0] ?? '')[0]);
    const isBack = async (): Promise<boolean> => (await web.states(ids, 'ready'))[0]?.restarts === 1;
    await waitUntil(isBack, { what: 'the restart', timeoutMs: 30_000 });
    for (const load of loads) {
      const { attempts, failures, outcomes } = await ended(load);
      expect(attempts).toBeGreaterThan(100);
      // One that it had accepted is reset: what it did with it nobody knows.
      expect(failures.filter(({ outcome }) => outcome !== 'reset')).toEqual([]);
      expect(outcomes.ok + outcomes.slow + outcomes.reset).toBe(attempts);
    }
    expect(agent.stderr()).not.toContain('repaired what another program changed');
  });

  it('come back once whatever the order in which instance, shim and agent are killed', async () => {
    const orders = ['ASI', 'AIS', 'SAI', 'IAS', 'SIA', 'ISA'] as const;
    const ids = orders.map((order) => named(`k${order}`.toLowerCase()));
    for (const id of ids) await churn.assign(node(), id, { template: perl(SERVE) });
    cleared(churn, ids);
    const ender = named('kend');
    const onSignal = perl(`$SIG{"USR1"}=sub{exit 7}; ${SERVE}`);
    await churn.assign(node(), ender, { template: onSignal });
    cleared(churn, [ender]);
    await churn.states([...ids, ender], 'ready');
    const shims = shimsOf(node());
    const before = mains(ids);
    const kill = (place: (order: string) => string): void => {
      for (const [at, order] of orders.entries()) {
        for (const who of place(order))
          killNow(who === 'S' ? shims.get(ids[at] ?? '')?.[0] : before[at]?.[0]);
      }
    };
    kill((order) => order.slice(0, order.indexOf('A')));
    await agent.stop('SIGKILL');
    kill((order) => order.slice(order.indexOf('A') + 1));
    const [ending = 0] = mainsOf(node(), ender);
    process.kill(ending, 'SIGUSR1');
    await waitUntil(() => bearersOf(node(), ender).length === 0, { what: 'its end', timeoutMs: 20_000 });
    agent = await web.agent(node());
    await waitUntil(
      async () => (await churn.states([...ids, ender], 'ready')).every(({ restarts }) => restarts === 1),
      {
        what: 'one restart of each',
        timeoutMs: 40_000,
        facts: () => agent.stderr().slice(-4_000),
      },
    );
    expect(agent.stderr()).toContain('exit code 7');
    const after = mains(ids);
    expect(after.map((pids) => pids.length)).toEqual(ids.map(() => 1));
    expect(after.filter(([pid], at) => pid === before[at]?.[0])).toEqual([]);
    const keepers = shimsOf(node());
    expect(ids.map((id) => keepers.get(id)?.length)).toEqual(ids.map(() => 1));
  });

  it('that misbehave are told from each other, and leave nothing behind', async () => {
    const [closes, slow, stubborn] = [named('m1'), named('m2'), named('m3')];
    const never = {
      probe: { kind: 'tcp' as const, intervalSeconds: 0.2, timeoutSeconds: 0.2, startSeconds: 1 },
    };
    await churn.assign(node(), closes, {
      template: perl(
        '$SIG{"USR1"}=sub{close S}; while(1){ if(accept(C,S)){close C}else{select(undef,undef,undef,0.05)} }',
      ),
    });
    await churn.assign(node(), slow, {
      template: { ...perl(''), ...never, command: ['/usr/bin/perl', '-e', 'sleep 1000'] },
    });
    const forks = '$SIG{"TERM"}="IGNORE"; for (1..5) { if (!fork) { sleep 1000; exit } }';
    await churn.assign(node(), stubborn, { template: { ...perl(`${forks} ${SERVE}`), graceSeconds: 0.5 } });
    cleared(churn, [closes, slow, stubborn]);
    await churn.states([closes, stubborn], 'ready');
    const [pid = 0] = mainsOf(node(), closes);
    process.kill(pid, 'SIGUSR1');
    const [unwell] = await churn.states([closes], 'starting');
    expect([unwell?.why, mainsOf(node(), closes)]).toEqual([expect.stringMatching(/refused/i), [pid]]);
    expect((await churn.states([slow], 'failed'))[0]?.why).toContain('not ready within 1s');
    await waitUntil(() => bearersOf(node(), stubborn).length === 6, {
      what: 'its children',
      timeoutMs: 20_000,
    });
    await churn.assign(node(), stubborn, { template: { ...perl(SERVE), graceSeconds: 0.5 }, stop: STOP });
    expect((await churn.states([stubborn], 'stopped'))[0]?.why).toContain('SIGKILL');
    expect(bearersOf(node(), stubborn)).toEqual([]);
  });

  it('that cannot run say why in describe, soon, and do not trouble the agent', async () => {
    const at = node().address;
    const stranger = await node().start(perlWords(at, 20_500));
    onTestFinished(async () => void (await stranger.stop('SIGKILL')));
    await waitUntil(async () => (await node().run(['ss', '-Hltn', 'sport = :20500'])).stdout !== '', {
      what: 'the stranger',
      timeoutMs: 20_000,
    });
    const base = perl(SERVE);
    const cases = [
      [{ ...base, ports: { from: 20_500, to: 20_500 } }, `no port is free on ${at}`],
      [{ ...base, user: 'nosuchuser' }, 'there is no user "nosuchuser"'],
      [{ ...base, command: ['/bin/ls'] }, 'rule commands allows'],
      [{ ...base, command: ['/no/such/program'] }, 'there is no /no/such/program'],
      [{ ...base, workingDirectory: '/etc' }, 'rule directories allows nothing'],
      [{ ...base, workingDirectory: '/no/such/folder' }, 'there is no such folder'],
      [{ ...base, env: { LD_PRELOAD: '/tmp/x.so' } }, 'rule env allows'],
      [{ ...base, ports: { from: 80, to: 90 } }, 'rule ports allows 20000-29999'],
      [
        { ...base, driver: 'exec', hooks: { stop: ['/usr/bin/perl'], status: ['/usr/bin/perl'] } },
        'rule drivers allows process',
      ],
    ] as const;
    const ids = cases.map((_, index) => named(`r${index}`));
    cleared(churn, ids);
    const started = systemClock.monotonicMs();
    await Promise.all(
      cases.map(async ([template], index) => await churn.assign(node(), ids[index] ?? '', { template })),
    );
    await churn.states(ids, 'failed');
    const tookMs = systemClock.monotonicMs() - started;
    // 2 s is the promise; the rest is for a busy machine.
    expect(tookMs).toBeLessThan(2_000 + 2_000);
    const told = await sluice(lab(), node(), ['describe', 'churn']);
    for (const [index, [, why]] of cases.entries()) {
      const line = told.stdout.split('\n').find((text) => text.includes(ids[index] ?? '')) ?? '';
      expect(line).toMatch(/failed|pending/);
      expect(line).toContain(why);
    }
    expect(agent.running()).toBe(true);
    expect(ids.flatMap((id) => bearersOf(node(), id))).toEqual([]);
  });

  it('run on while the disk of the state folder is full: a clear error, ends known, nothing cut short, found by the next agent', async () => {
    const place = lab().node(3);
    const stateDir = path.join(place.folder, 'small');
    const script = 'mkdir "$1" && mount -t tmpfs -o size=2m none "$1" && echo up && exec sleep 100000';
    const holder = await place.start(['unshare', '--mount', 'sh', '-c', script, 'sh', stateDir]);
    await holder.waitForOutput(/^up/);
    const enter = ['nsenter', '--mount', '--target', String(holder.pid)];
    const inside = `/proc/${holder.pid}/root${stateDir}`;
    const start = { enter, stateDir };
    let keeper = await web.agent(place, start);
    const [first, second, late] = [named('d1'), named('d2'), named('d3')];
    onTestFinished(async () => {
      await keeper.stop('SIGKILL');
      for (const pid of [first, second, late].flatMap((id) => bearersOf(place, id))) killNow(pid);
      await holder.stop('SIGKILL');
    });
    for (const id of [first, second]) await churn.assign(place, id, { template: perl(SERVE) });
    const begun = await churn.states([first, second], 'ready');
    expect(begun.some(({ restarts = 0 }) => restarts > 0) ? keeper.stderr() : '').toBe('');
    const before = [first, second].map((id) => mainsOf(place, id));
    // Again and again: whatever the agent replaces by something smaller would leave room.
    const fill = 'while :; do cat /dev/zero >>"$1" 2>/dev/null; sleep 0.02; done';
    const filler = await place.start([...enter, 'sh', '-c', fill, 'sh', `${stateDir}/fill`]);
    await waitUntil(async () => (await statfs(inside)).bavail === 0, {
      what: 'the disk to be full',
      timeoutMs: 20_000,
    });
    await churn.assign(place, late, { template: perl(SERVE) });
    expect((await churn.states([late], 'failed'))[0]?.why).toContain('no space left on device');
    await keeper.stop('SIGKILL');
    keeper = await web.agent(place, start);
    expect(await churn.states([first, second], 'ready')).toMatchObject([{ restarts: 0 }, { restarts: 0 }]);
    expect([first, second].map((id) => mainsOf(place, id))).toEqual(before);
    killNow(before[0]?.[0]);
    await churn.states([first], 'failed');
    expect(keeper.stderr()).toMatch(/instance failed .*killed by SIGKILL/);
    await filler.stop('SIGKILL');
    await rm(path.join(inside, 'fill'));
    await churn.states([first], 'ready');
    expect(mainsOf(place, second)).toEqual(before[1]);
    for (const name of ['instances.json', 'snapshot.json']) {
      expect(await readChecksummed(path.join(inside, name))).toMatchObject({ from: 'current' });
    }
    expect(JSON.parse(await readFile(path.join(inside, 'ports.json'), 'utf8'))).toMatchObject({
      reserved: expect.objectContaining({ [second]: expect.any(Number) as unknown }) as unknown,
    });
    await churn.unassign(place, late);
  });
});

/** The listening program of `perl`, as a stranger runs it. */
const perlWords = (ip: string, port: number): readonly string[] =>
  (perl(SERVE).command ?? []).map((word) => (word === '{ip}' ? ip : word === '{port}' ? String(port) : word));
