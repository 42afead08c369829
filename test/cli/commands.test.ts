import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SluiceError } from '../../src/errors.ts';
import { writeAgentStatus } from '../../src/host/agent-status.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import { nodeSays } from '../ops/world.ts';
import { cluster, run } from './run.ts';

const WEB = 'publish web --entry 10.96.0.10:80 --instance 10.0.1.11:8080 --instance 10.0.1.12:8080=3';
const ERROR = /^error: .+ \[[a-z-]+\]\n {2}why: .+\n {2}fix: .+\n$/;

async function published(): Promise<ReturnType<typeof cluster>> {
  const world = cluster();
  await nodeSays(world.store, 'n1', { applied: 1000 });
  await world.sluice(WEB);
  return world;
}

describe('instance', () => {
  it('adds, sets and removes single instances', async () => {
    const { sluice } = await published();
    expect((await sluice('instance add web 10.0.1.13:8080')).stderr).toContain('10.0.1.13:8080 20%');
    expect((await sluice('instance set web 10.0.1.13:8080=0')).stderr).toContain('10.0.1.13:8080 0%');
    expect(await sluice('instance remove web web/10.0.1.13:8080')).toMatchObject({
      code: 0,
      stdout: 'service/web updated\n',
    });
    expect((await sluice('list instances web -o name')).stdout).toBe(
      'web/10.0.1.11:8080\nweb/10.0.1.12:8080\n',
    );
  });

  it('wants consent only where no instance would be left', async () => {
    const { sluice } = await published();
    const all = 'instance remove web 10.0.1.11:8080 10.0.1.12:8080';
    const refused = await sluice(all);
    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain('no instance would be left');
    expect((await sluice(`${all} --yes`)).code).toBe(0);
  });

  it('previews with the command that applies it', async () => {
    const { sluice } = await published();
    const { stdout } = await sluice('instance add web 10.0.1.13:8080=2 --dry-run');
    expect(stdout).toContain('+ instance 10.0.1.13:8080 weight 2');
    expect(stdout).toContain('apply with: sluice instance add web 10.0.1.13:8080=2 --if-revision 3\n');
    const json = JSON.parse((await sluice('instance add web 10.0.1.13:8080=2 --dry-run -o json')).stdout);
    expect(json).toMatchObject({ kind: 'PlanList', items: [{ outcome: 'updated', baseRevision: 3 }] });
  });
});

describe('unpublish', () => {
  it('refuses off-terminal without --yes, and deletes with it', async () => {
    const { sluice } = await published();
    expect((await sluice('unpublish web')).code).toBe(5);
    expect(await sluice('unpublish service/web --yes')).toMatchObject({
      code: 0,
      stdout: 'service/web deleted\n',
    });
    expect((await sluice('list -o name')).stdout).toBe('');
  });

  it('wants the name typed on a terminal', async () => {
    const { sluice } = await published();
    expect((await sluice('unpublish web', { terminal: true, stdin: 'yes\n' })).code).toBe(5);
    expect((await sluice('unpublish web', { terminal: true, stdin: 'web\n' })).code).toBe(0);
  });

  it('shows a dry run', async () => {
    const { sluice } = await published();
    const { code, stdout } = await sluice('unpublish web --dry-run');
    expect(code).toBe(0);
    expect(stdout).toContain('service/web would be deleted\n');
    expect(stdout).toContain('apply with: sluice unpublish web --yes --if-revision 3\n');
  });
});

describe('plan', () => {
  it('ends with 0, and with 2 for changes if asked', async () => {
    const { sluice } = cluster();
    const flags = 'web --entry 10.96.0.10:80 --instance 10.0.1.11:8080';
    expect((await sluice(`plan ${flags}`)).code).toBe(0);
    const changes = await sluice(`diff ${flags} --detailed-exitcode`);
    expect(changes.code).toBe(2);
    expect(changes.stdout).toContain('service/web would be created\n');
    expect(changes.stdout).toContain(`apply with: sluice publish ${flags} --if-revision 0\n`);
    await sluice(`publish ${flags}`);
    expect(await sluice(`plan ${flags} --detailed-exitcode`)).toMatchObject({
      code: 0,
      stdout: 'service/web is unchanged\nbase revision 2\nnothing to do\n',
    });
    expect((await sluice(`plan ${flags} --detailed-exitcode -q`)).stdout).toBe('');
  });
});

describe('list', () => {
  it('is the same table on a pipe and on a terminal but for ages', async () => {
    const { sluice } = await published();
    expect((await sluice('list')).stdout).toMatch(
      /^NAME {2}ENTRY {14}INSTANCES {2}READY {2}NODES {2}POLICY {2}AGE\nweb {3}10\.96\.0\.10:80\/tcp {2}2 {10}2 {6}1\/1 {4}static {2}2026-01-02T03:04:05\.[0-9]{3}Z\n$/,
    );
    expect((await sluice('ls', { terminal: true })).stdout).toMatch(/static {2}0s\n$/);
  });

  it('cuts cells on a narrow terminal only', async () => {
    const { sluice } = await published();
    const narrow = await sluice('list', { terminal: true, columns: 55 });
    expect(narrow.stdout).toContain('…');
    expect(Math.max(...narrow.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(55);
    expect((await sluice('list', { columns: 55 })).stdout).not.toContain('…');
  });

  it('chooses columns, orders rows and leaves the headers out', async () => {
    const { sluice } = await published();
    expect((await sluice('list instances --columns weight,instance --sort-by=-weight')).stdout).toBe(
      'WEIGHT  INSTANCE\n3       10.0.1.12:8080\n1       10.0.1.11:8080\n',
    );
    expect((await sluice('list --no-headers --columns name')).stdout).toBe('web\n');
    expect((await sluice('list --columns nam')).stderr).toContain('did you mean name?');
  });

  it.each([
    ['list', 'ServiceList', 'web'],
    ['list instances', 'InstanceList', 'web'],
    ['list nodes', 'NodeList', 'n1'],
  ])('gives %s as json, jsonl and yaml', async (words, kind, first) => {
    const { sluice } = await published();
    const json = JSON.parse((await sluice(`${words} -o json`)).stdout);
    expect(json).toMatchObject({ kind, version: 1, revision: 3 });
    expect(json.items[0].name ?? json.items[0].service).toBe(first);
    const lines = (await sluice(`${words} -o jsonl`)).stdout.trim().split('\n');
    expect(lines.map((line) => Object.keys(JSON.parse(line)))).toEqual(
      json.items.map((item: object) => Object.keys(item)),
    );
    expect((await sluice(`${words} -o yaml`)).stdout).toMatch(
      new RegExp(`^kind: ${kind}\nversion: 1\nrevision: 3\n`),
    );
  });

  it('helps a newcomer on stderr, and not a program', async () => {
    const { sluice } = cluster();
    expect((await sluice('list')).stderr).toContain('no services yet: sluice publish');
    expect((await sluice('list -o json')).stderr).toBe('');
  });
});

describe('the command describe', () => {
  it('shows a service with instances, nodes and who changed it last', async () => {
    const { sluice } = await published();
    await sluice('instance set web 10.0.1.11:8080=2 --reason cold');
    const { stdout } = await sluice('describe web');
    expect(stdout).toContain('entries:     10.96.0.10:80/tcp\n');
    expect(stdout).toContain('  command:   sluice instance set web 10.0.1.11:8080=2 --reason cold\n');
    expect(stdout).toContain('  reason:    cold\n');
    expect(stdout).toMatch(/ {2}10\.0\.1\.12:8080 {2}3 {7}60% {4}ready/);
    expect(stdout).toMatch(/ {2}n1 {4}1000 /);
  });

  it('takes what -o name prints, several at once', async () => {
    const { sluice } = await published();
    const names = (await sluice('list instances -o name')).stdout.trim().replace('\n', ' ');
    const json = JSON.parse((await sluice(`describe service/web node/n1 ${names} -o json`)).stdout);
    expect(json.items.map(({ kind }: { kind: string }) => kind)).toEqual([
      'service',
      'node',
      'instance',
      'instance',
    ]);
  });

  it('says what was probably meant', async () => {
    const { sluice } = await published();
    const { code, stderr } = await sluice('describe wbe');
    expect(code).toBe(4);
    expect(stderr).toContain('did you mean web?');
  });
});

describe('status', () => {
  it('shows store, agents and services', async () => {
    const { sluice } = await published();
    const { code, stdout, stderr } = await sluice('status --check --state-dir /nonexistent');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^store {3}1\/1 endpoints, revision 3, [0-9]+ ms\nagents {2}1\/1 reporting\nNAME /,
    );
  });

  it('ends with 3 under --check if something is wrong, and with 0 without', async () => {
    const { store, sluice } = await published();
    await nodeSays(store, 'n1', { applied: 1000, failures: ['no iptables'] });
    expect((await sluice('status --state-dir /nonexistent')).code).toBe(0);
    const { code, stdout, stderr } = await sluice('status --check --state-dir /nonexistent');
    expect(code).toBe(3);
    expect(stdout).toContain('no iptables');
    expect(stderr).toMatch(ERROR);
  });

  it('is silent with -q and --check while all is well', async () => {
    const { sluice } = await published();
    expect(await sluice('status --check -q --state-dir /nonexistent')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });

  it('works without the store', async () => {
    const store = createMemoryStore({ fault: () => ({ kind: 'unreachable' }) });
    const { code, stdout } = await run(['status', '--state-dir', '/nonexistent'], { store });
    expect(code).toBe(0);
    expect(stdout).toContain('unreachable');
    const json = await run(['status', '--check', '-o', 'json', '--state-dir', '/nonexistent'], { store });
    expect(json.code).toBe(3);
    expect(JSON.parse(json.stdout)).toMatchObject({
      kind: 'Status',
      revision: null,
      items: [{ healthy: false }],
    });
    expect(JSON.parse(json.stderr)).toMatchObject({ kind: 'Error', code: 'unhealthy' });
  });

  it('shows the instances of this node without the store, as its agent last knew them', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'sluice-status-'));
    onTestFinished(async () => await rm(folder, { recursive: true }));
    const since = new Date().toISOString();
    await writeAgentStatus(folder, {
      node: 'n1',
      revision: 7,
      appliedAt: since,
      rulesHash: 'ab',
      entries: 1,
      instances: 1,
      connected: false,
      staleSince: since,
      failures: [],
      pid: process.pid,
      managed: [
        { service: 'web', id: 'a1', state: 'ready', address: '10.0.0.1:20000', since, restarts: 0 },
        { service: 'web', id: 'a2', state: 'failed', since, restarts: 2, why: 'rule users allows\nnothing' },
      ],
    });
    const store = createMemoryStore({ fault: () => ({ kind: 'unreachable' }) });
    const { stdout } = await run(['status', '--state-dir', folder], { store });
    expect(stdout).toMatch(/^instance +web\/a1, ready, \S+, 10\.0\.0\.1:20000$/m);
    expect(stdout).toMatch(/^instance +web\/a2, failed, \S+, 2 restarts, rule users allows.+nothing$/m);
    const json = await run(['status', '-o', 'json', '--state-dir', folder], { store });
    expect(JSON.parse(json.stdout)).toMatchObject({
      items: [
        {
          local: {
            managed: [
              { id: 'a1', state: 'ready' },
              { id: 'a2', state: 'failed' },
            ],
          },
        },
      ],
    });
  });
});

describe('wait', () => {
  it('ends when the condition holds, or with 3', async () => {
    const { sluice } = await published();
    expect(await sluice('wait web --for healthy')).toMatchObject({ code: 0, stderr: '' });
    expect((await sluice('wait web --for converged -q')).stdout).toBe('');
    const json = JSON.parse((await sluice('wait web --for instances=2 -o json')).stdout);
    expect(json).toMatchObject({ kind: 'WaitResult', items: [{ met: true, reference: 'service/web' }] });
    const late = await sluice('wait web --for instances=9 --timeout 10ms');
    expect(late.code).toBe(3);
    expect(late.stderr).toContain('2 of 2 instances ready');
  });

  it.each([
    ['wait web', 64],
    ['wait web --for drained', 64],
    ['wait nosuch --for healthy', 4],
    ['wait we/b/x/y --for healthy', 65],
  ])('ends %s with %i', async (words, code) => {
    const result = await (await published()).sluice(words);
    expect(result.code).toBe(code);
    expect(result.stderr).toMatch(ERROR);
  });
});

describe('the wait after a write', () => {
  it('says at once that there is no live agent, and fails with 3 only if --wait was asked', async () => {
    const { sluice } = cluster();
    const usual = await sluice(WEB);
    expect(usual.code).toBe(0);
    expect(usual.stderr).toContain('there is no live agent');
    const asked = await sluice(`${WEB} --wait`);
    expect(asked).toMatchObject({ code: 3, stdout: 'service/web unchanged\n' });
    expect(asked.stderr).toContain('[unhealthy]');
  });

  it('ends with 124 when the time is over; what is written stands', async () => {
    const { store, sluice } = cluster();
    await nodeSays(store, 'n1', { applied: 1 });
    const { code, stdout, stderr } = await sluice(`${WEB} --timeout 20ms`);
    expect({ code, stdout }).toEqual({ code: 124, stdout: 'service/web created\n' });
    expect(stderr).toContain('node/n1 is at 1');
    expect(stderr).toContain('stands; go on with: sluice wait web --for converged');
    expect((await sluice(`${WEB} --no-wait`)).code).toBe(0);
  });

  it('ends with 1 where a node could not apply it', async () => {
    const { store, sluice } = cluster();
    await nodeSays(store, 'n1', { applied: 1000, failures: ['chain too long'] });
    const { code, stderr } = await sluice(`${WEB} --timeout 20ms`);
    expect(code).toBe(1);
    expect(stderr).toContain('node/n1: chain too long');
  });

  it('says on a signal what is written and how to go on', async () => {
    const { store, sluice } = cluster();
    await nodeSays(store, 'n1', { applied: 1 });
    for (const [code, expected] of [
      ['interrupted', 130],
      ['terminated', 143],
    ] as const) {
      const controller = new AbortController();
      const result = await sluice(WEB, {
        signal: controller.signal,
        onStderr: (text) => {
          if (text.includes('revision')) controller.abort(new SluiceError(code, 'stopped'));
        },
      });
      expect(result.code).toBe(expected);
      expect(result.stderr).toContain('is written and stands');
      expect(result.stderr).toContain('go on with: sluice wait web --for converged');
    }
  });
});

describe('a store that cannot be reached', () => {
  it.each(['list', 'describe web', WEB, `${WEB} --dry-run`, 'unpublish web -y', 'wait web --for healthy'])(
    'ends %s with 69, in three lines and as JSON',
    async (words) => {
      const store = createMemoryStore({ fault: () => ({ kind: 'unreachable' }) });
      const text = await run(words.split(' '), { store });
      expect(text).toMatchObject({ code: 69, stdout: '' });
      expect(text.stderr).toMatch(/^error: .+ \[unavailable\]\n/);
      const json = await run([...words.split(' '), '-o', 'json'], { store });
      expect(json.stdout).toBe('');
      expect(JSON.parse(json.stderr)).toMatchObject({ code: 'unavailable', exitCode: 69 });
    },
  );

  it('ends a write whose answer is lost for good with 76', async () => {
    let isSent = false;
    const store = createMemoryStore({
      fault: (call) => {
        if (call === 'transact' && !isSent) {
          isSent = true;
          return { kind: 'lose-answer' };
        }
        return isSent ? { kind: 'unreachable' } : undefined;
      },
    });
    expect((await run(WEB.split(' '), { store })).code).toBe(76);
  });

  it('ends what is not permitted with 77', async () => {
    const store = createMemoryStore({ fault: () => ({ kind: 'refused' }) });
    expect((await run(['list'], { store })).code).toBe(77);
  });
});
