/** Tests the commands about managed services: publish with a template, scale, drain, node, and how they are shown. */
import { describe, expect, it } from 'vitest';
import type { Instance } from '../../src/model/service.ts';
import { encodeLeader } from '../../src/model/records-leader.ts';
import { decodeNode } from '../../src/model/records-node.ts';
import { decodeInstance, decodeService, encodeInstance } from '../../src/model/records-service.ts';
import { templateHash } from '../../src/model/template-hash.ts';
import { instanceKey, LEADER_KEY, nodeKey, serviceKey } from '../../src/store/keys.ts';
import type { MemoryStore } from '../../src/store/memory/memory.ts';
import { nodeSays, putRaw, remove, START, trail } from '../ops/world.ts';
import { cluster, run, type RunOptions, type RunResult } from './run.ts';

const PUBLISH = [
  'publish',
  'web',
  '--entry',
  '10.96.0.10:80',
  '--replicas',
  '2',
  '--command',
  "node 'my server.js' --port {port}",
];

/** A cluster with one managed service, and commands as lists of words. */
async function managed(): Promise<{
  readonly store: MemoryStore;
  readonly sluice: (words: readonly string[], options?: RunOptions) => Promise<RunResult>;
}> {
  const { store } = cluster();
  const sluice = async (words: readonly string[], options: RunOptions = {}): Promise<RunResult> =>
    run(words, { store, ...options });
  expect((await sluice(PUBLISH)).code).toBe(0);
  return { store, sluice };
}

const serviceOf = async (store: MemoryStore) => {
  const { item } = await store.get(serviceKey('web'));
  return decodeService('web', item?.value ?? '').value;
};

/** Lets a node's agent say what an instance does. */
async function instanceSays(store: MemoryStore, id: string, says: Partial<Instance> = {}): Promise<number> {
  const { template } = await serviceOf(store);
  const value: Instance = {
    service: 'web',
    id,
    ip: '10.0.1.11',
    port: 20_000 + Number(id.slice(-1)),
    weight: 1,
    origin: 'managed',
    state: 'ready',
    node: 'n1',
    templateHash: template === undefined ? '' : templateHash(template),
    stateSince: START,
    restarts: 0,
    createdAt: START,
    ...says,
  };
  return putRaw(store, { [instanceKey('web', id)]: encodeInstance(value) });
}

const leads = async (store: MemoryStore): Promise<number> =>
  putRaw(store, { [LEADER_KEY]: encodeLeader({ node: 'n1', host: 'h1', pid: 1, since: START }) });

/** A third instance starts, and the node forwards to it. */
async function thirdComes(store: MemoryStore): Promise<void> {
  await nodeSays(store, 'n1', { applied: 50 });
  await instanceSays(store, 'web-3', { state: 'starting' });
  await nodeSays(store, 'n1', { applied: 1_000 });
  await instanceSays(store, 'web-3');
}

describe('publish with a template', () => {
  it('stores what to run, with all defaults, and no instances', async () => {
    const { store } = await managed();
    const { origin, replicas, template } = await serviceOf(store);
    expect({ origin, replicas, command: template?.command }).toEqual({
      origin: 'managed',
      replicas: 2,
      command: ['node', 'my server.js', '--port', '{port}'],
    });
    expect(template).toMatchObject({ driver: 'process', graceSeconds: 10, ports: { from: 20_000 } });
  });

  it('takes every flag', async () => {
    const { store, sluice } = await managed();
    const more =
      '--env A=1,2 --env B=x=y --run-as web --workdir /srv/web --port-range 21000-21099 --cpu 0.5 --memory 64MiB ' +
      '--pids 50 --files 1024 --probe http:/healthz --probe-interval 5s --probe-timeout 500ms --probe-successes 1 ' +
      '--probe-failures 2 --probe-start 1m --stop-signal SIGINT --grace 30s --drain 2m --on-deadline reset ' +
      '--node-selector zone=a --pre-stop /bin/true';
    expect(await sluice([...PUBLISH, ...more.split(' ')])).toMatchObject({ code: 0 });
    expect((await serviceOf(store)).template).toEqual({
      driver: 'process',
      command: ['node', 'my server.js', '--port', '{port}'],
      env: { A: '1,2', B: 'x=y' },
      user: 'web',
      workingDirectory: '/srv/web',
      ports: { from: 21_000, to: 21_099 },
      limits: { cpu: 0.5, memoryBytes: 67_108_864, pids: 50, files: 1_024 },
      probe: {
        kind: 'http',
        path: '/healthz',
        status: { from: 200, to: 399 },
        intervalSeconds: 5,
        timeoutSeconds: 0.5,
        successes: 1,
        failures: 2,
        startSeconds: 60,
      },
      preStop: { command: ['/bin/true'], timeoutSeconds: 10 },
      stopSignal: 'SIGINT',
      graceSeconds: 30,
      drainSeconds: 120,
      onDeadline: 'reset',
      logs: { maxBytes: 10_485_760, keep: 5 },
      nodeSelector: { zone: 'a' },
    });
  });

  it.each([
    [['--command', 'node server.js > log'], '--command'],
    [['--command', 'node "$HOME"'], '--command'],
    [['--command', "node 'x"], '--command'],
    [['--command', 'node {prot}'], '--command'],
    [['--command', ''], '--command'],
    [['--command', 'a', '--env', 'x'], '--env'],
    [['--command', 'a', '--env', 'A=1', '--env', 'A=2'], '--env'],
    [['--command', 'a', '--memory', '5 bananas'], '--memory'],
    [['--command', 'a', '--cpu', '0'], '--cpu'],
    [['--command', 'a', '--grace', '10'], '--grace'],
    [['--command', 'a', '--probe', 'https:/x'], '--probe'],
    [['--command', 'a', '--probe', 'http:x'], '--probe'],
    [['--command', 'a', '--port-range', '10-1'], '--port-range'],
    [['--command', 'a', '--workdir', '../x'], '--workdir'],
    [['--command', 'a', '--replicas', '1001'], '--replicas'],
    [['--command', 'a', '--node-selector', 'zone'], '--node-selector'],
    [['--replicas', '2'], '--replicas'],
    [['--command', 'a', '--instance', '10.0.1.11:80'], '--instance'],
    [['--image', 'nginx'], '--image'],
    [['--driver', 'podman', '--command', 'a'], '--image'],
    [['--driver', 'exec', '--command', 'a'], 'hooks'],
  ])('refuses %j and names the flag', async (flags, name) => {
    const { code, stderr } = await run(['publish', 'web', '--entry', '10.96.0.10:80', ...flags]);
    expect(code).toBe(65);
    expect(stderr).toContain(name);
    expect(stderr).toMatch(/why: .+\n +fix: .+/);
  });

  it('keeps the number of instances where it is not said again, and asks before it is made smaller', async () => {
    const { store, sluice } = await managed();
    await sluice(['scale', 'web', '4']);
    const words = ['publish', 'web', '--entry', '10.96.0.10:80', '--command', 'node new.js {port}'];
    expect((await sluice(words)).stdout).toBe('service/web updated\n');
    expect((await serviceOf(store)).replicas).toBe(4);
    const refused = await sluice([...words, '--replicas', '3']);
    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain('would stop 1 of 4 instances');
    expect((await sluice([...words, '--replicas', '3', '--replace'])).code).toBe(0);
  });

  it('says in a plan which fields change and that instances are replaced one at a time', async () => {
    const { sluice } = await managed();
    const words = [
      'plan',
      'web',
      '--entry',
      '10.96.0.10:80',
      '--command',
      'node new.js {port}',
      '--grace',
      '5s',
    ];
    const { stdout } = await sluice(words);
    expect(stdout).toContain(
      '~ template command ["node","my server.js","--port","{port}"] → ["node","new.js","{port}"]',
    );
    expect(stdout).toContain('~ template grace "10s" → "5s"');
    expect(stdout).toContain('2 instances replaced one at a time');
    expect(stdout).toContain(
      "sluice publish web --entry 10.96.0.10:80 --command 'node new.js {port}' --grace 5s",
    );
  });

  it('turns listed instances into started ones and back only with consent', async () => {
    const { store, sluice } = cluster();
    await sluice('publish web --entry 10.96.0.10:80 --instance 10.0.1.11:8080');
    const refused = await run(PUBLISH, { store });
    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain('start instances in place of those that are listed');
    expect((await run([...PUBLISH, '--replace'], { store })).code).toBe(0);
    expect((await store.get(instanceKey('web', '10.0.1.11:8080'))).item).toBeUndefined();
    await instanceSays(store, 'web-1');
    const back = 'publish web --entry 10.96.0.10:80 --instance 10.0.1.12:8080';
    expect((await sluice(back)).stderr).toContain('stop the instances that sluice started');
    expect((await sluice(`${back} --replace`)).code).toBe(0);
    const { origin, replicas, template } = await serviceOf(store);
    expect({ origin, replicas, template }).toEqual({ origin: 'static' });
    // The leader stops it; until then it goes on.
    expect((await store.get(instanceKey('web', 'web-1'))).item).toBeDefined();
  });

  it('is unpublished without the keys of its instances, which the leader stops', async () => {
    const { store, sluice } = await managed();
    await instanceSays(store, 'web-1');
    expect((await sluice(['unpublish', 'web', '--yes'])).code).toBe(0);
    expect((await store.get(serviceKey('web'))).item).toBeUndefined();
    expect((await store.get(instanceKey('web', 'web-1'))).item).toBeDefined();
    expect((await sluice(PUBLISH)).stdout).toBe('service/web created\n');
    expect((await store.get(instanceKey('web', 'web-1'))).item).toBeDefined();
  });
});

describe('status', () => {
  it('says why nothing follows from silence, and what ends that', async () => {
    const { store, sluice } = await managed();
    const protection = {
      why: '2 of 4 nodes fell silent together (n1, n2)',
      ends: 'fewer than 2 of them silent',
    };
    const leader = encodeLeader({ node: 'n1', host: 'h1', pid: 1, since: START, protection });
    await putRaw(store, { [LEADER_KEY]: leader });
    const said =
      'nothing that is silent is removed or started elsewhere: 2 of 4 nodes fell silent together (n1, n2); this ends with fewer than 2 of them silent';
    expect((await sluice(['status'])).stdout.replaceAll(/\s+/g, ' ')).toContain(said);
    const json: unknown = JSON.parse((await sluice(['status', '-o', 'json'])).stdout);
    expect(JSON.stringify(json)).toContain('self-preservation');
  });
});

describe('scale', () => {
  it('sets, adds and takes away, and says that nobody leads', async () => {
    const { store, sluice } = await managed();
    for (const [count, replicas] of [
      ['6', 6],
      ['+2', 8],
      ['-3', 5],
    ] as const) {
      const { code, stdout, stderr } = await sluice(['scale', 'web', count, '--reason', 'load']);
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'service/web updated\n' });
      expect(stderr).toContain('no monitor leads');
      expect((await serviceOf(store)).replicas).toBe(replicas);
    }
    const last = (await trail(store)).at(-1);
    expect(last).toMatchObject({
      subject: 'service/web',
      command: 'sluice scale web -3 --reason load',
      reason: 'load',
    });
    expect((await sluice(['scale', 'web', '5'])).stdout).toBe('service/web unchanged\n');
    expect((await sluice(['scale', 'web', '6', '--wait'])).code).toBe(3);
  });

  it('waits until the instances are ready and every live node forwards to them', async () => {
    const { store, sluice } = await managed();
    await leads(store);
    await nodeSays(store, 'n1', { applied: 1 });
    await instanceSays(store, 'web-1');
    await instanceSays(store, 'web-2');
    const words = ['scale', 'web', '3', '--wait', '--timeout', '20s'];
    let told = 0;
    const { code, stderr } = await sluice(words, {
      onStderr: (text) => {
        if (told > 0 || !text.includes('revision')) return;
        told = 1;
        void thirdComes(store);
      },
    });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stderr).toMatch(/3 of 3 ready; forwarded by 1\/1 nodes after/);
  });

  it('says in time what is missing, with its reason', async () => {
    const { store, sluice } = await managed();
    await leads(store);
    await instanceSays(store, 'web-1');
    await instanceSays(store, 'web-2', { state: 'crashloop', why: 'exit code 1', restarts: 5 });
    const { code, stderr } = await sluice(['scale', 'web', '3', '--timeout', '100ms']);
    expect(code).toBe(124);
    expect(stderr).toContain('1 of 3 ready, web-2 crashloop (exit code 1)');
    expect((await serviceOf(store)).replicas).toBe(3);
  });

  it('to nothing wants the name typed, or --yes', async () => {
    const { store, sluice } = await managed();
    const refused = await sluice(['scale', 'web', '0']);
    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain('repeat with --yes');
    const wrong = await sluice(['scale', 'web', '0'], { terminal: true, stdin: 'wbe\r' });
    expect(wrong.code).toBe(5);
    expect((await serviceOf(store)).replicas).toBe(2);
    expect((await sluice(['scale', 'web', '0'], { terminal: true, stdin: 'web\r' })).code).toBe(0);
    expect((await serviceOf(store)).replicas).toBe(0);
    expect((await sluice(['scale', 'web', '-1'])).code).toBe(65);
  });

  it('shows with --dry-run what would change', async () => {
    const { store, sluice } = await managed();
    const { stdout } = await sluice(['scale', 'web', '-1', '--dry-run']);
    expect(stdout).toContain('~ replicas 2 → 1');
    expect(stdout).toContain('apply with: sluice scale web -1');
    expect((await serviceOf(store)).replicas).toBe(2);
  });

  it('is refused for listed instances, unknown services and what is no number', async () => {
    const { sluice } = cluster();
    await sluice('publish web --entry 10.96.0.10:80 --instance 10.0.1.11:8080');
    const listed = await sluice('scale web 3');
    expect(listed).toMatchObject({ code: 65 });
    expect(listed.stderr).toContain('sluice instance add web');
    expect(await sluice('scale wbe 3')).toMatchObject({ code: 4 });
    expect(await sluice('scale web three')).toMatchObject({ code: 64 });
    expect(await sluice('instance add web 10.0.1.12:8080')).toMatchObject({ code: 0 });
  });

  it('is told to who lists instances of a managed service by hand', async () => {
    const { sluice } = await managed();
    const { code, stderr } = await sluice(['instance', 'add', 'web', '10.0.1.12:8080']);
    expect(code).toBe(65);
    expect(stderr).toContain('sluice scale web N');
  });
});

describe('drain', () => {
  it('takes a listed instance out and restore brings it back, both with an audit record', async () => {
    const { store, sluice } = cluster();
    await sluice('publish web --entry 10.96.0.10:80 --instance 10.0.1.11:8080 --instance 10.0.1.12:8080');
    const id = '10.0.1.11:8080';
    const read = async () =>
      decodeInstance('web', id, (await store.get(instanceKey('web', id))).item?.value ?? '');
    const drained = await sluice(`drain web/${id} --deadline 5m --reason disks`);
    expect(drained).toMatchObject({ code: 0, stdout: 'service/web updated\n' });
    expect(drained.stderr).toContain('10.0.1.12:8080 100%');
    expect((await read()).value).toMatchObject({
      state: 'draining',
      drain: { by: 'ann@ann-pc', reason: 'disks', deadlineSeconds: 300 },
    });
    expect((await sluice(`drain web/${id} --deadline 5m`)).stdout).toBe('service/web unchanged\n');
    expect((await sluice(`wait web/${id} --for drained`)).code).toBe(0);
    expect((await sluice(`restore web/${id}`)).code).toBe(0);
    expect((await read()).value.state).toBe('ready');
    expect((await read()).value.drain).toBeUndefined();
    expect((await trail(store)).at(-1)).toMatchObject({
      command: `sluice restore web/${id}`,
      outcome: 'updated',
    });
    expect((await sluice(`wait web/${id} --for drained --timeout 50ms`)).code).toBe(3);
  });

  it('leaves a managed instance to its agent and the leader: it serves until another is ready', async () => {
    const { store, sluice } = await managed();
    await instanceSays(store, 'web-1');
    await instanceSays(store, 'web-2');
    const { stdout, stderr } = await sluice(['drain', 'web/web-1', '--on-deadline', 'reset', '--dry-run']);
    expect(stderr).toBe('');
    expect(stdout).toContain('~ instance web-1 drained when another is ready in its place');
    const drained = await sluice(['drain', 'web/web-1', '--on-deadline', 'reset']);
    expect(drained.code).toBe(0);
    expect(drained.stderr).toContain('no monitor leads');
    const { item } = await store.get(instanceKey('web', 'web-1'));
    const { value } = decodeInstance('web', 'web-1', item?.value ?? '');
    expect(value).toMatchObject({ state: 'ready', drain: { onDeadline: 'reset' } });
    expect((await sluice(['list', 'instances', 'web', '-o', 'json'])).stdout).toContain('"ready": true');
    expect((await sluice(['restore', 'web/web-1'])).code).toBe(0);
    await instanceSays(store, 'web-1', { state: 'draining', drain: value.drain });
    const late = await sluice(['restore', 'web/web-1']);
    expect(late).toMatchObject({ code: 65 });
    expect(late.stderr).toContain('another one is ready in its place');
    expect((await sluice(['wait', 'web/web-1', '--for', 'drained', '--timeout', '50ms'])).code).toBe(3);
    await instanceSays(store, 'web-1', { state: 'stopped', drain: value.drain });
    expect((await sluice(['wait', 'web/web-1', '--for', 'drained'])).code).toBe(0);
    expect((await sluice(['restore', 'web/web-1'])).stderr).toContain('cannot be restored');
    await remove(store, instanceKey('web', 'web-1'));
    expect((await sluice(['wait', 'web/web-1', '--for', 'drained'])).code).toBe(0);
  });

  it('takes a managed instance out at once with --force, and the order stays forced until it is restored', async () => {
    const { store, sluice } = await managed();
    await instanceSays(store, 'web-1');
    await instanceSays(store, 'web-2');
    const { stdout } = await sluice(['drain', 'web/web-1', '--force', '--dry-run']);
    expect(stdout).toContain('~ instance web-1 drained: weight 1 (50%) → 1 (0%)');
    expect((await sluice(['drain', 'web/web-1', '--force'])).code).toBe(0);
    expect((await sluice(['drain', 'web/web-1'])).stdout).toBe('service/web unchanged\n');
    expect((await sluice(['drain', 'web/web-2', '--force'])).code).toBe(5);
    const { item } = await store.get(instanceKey('web', 'web-1'));
    const { value } = decodeInstance('web', 'web-1', item?.value ?? '');
    expect(value).toMatchObject({ state: 'ready', drain: { force: true } });
    await instanceSays(store, 'web-1', { state: 'draining', drain: value.drain });
    expect((await sluice(['restore', 'web/web-1'])).code).toBe(0);
    const restored = (await store.get(instanceKey('web', 'web-1'))).item?.value ?? '';
    expect(decodeInstance('web', 'web-1', restored).value.drain).toBeUndefined();
  });

  it('asks before the last instance that gets connections', async () => {
    const { sluice } = cluster();
    await sluice('publish web --entry 10.96.0.10:80 --instance 10.0.1.11:8080');
    const refused = await sluice('drain web/10.0.1.11:8080');
    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain('10.0.1.11:8080 is the last');
    expect((await sluice('drain web/10.0.1.11:8080', { terminal: true, stdin: 'y\r' })).code).toBe(0);
  });

  it('of a node is an order to the leader, and waits with --wait until nothing is left', async () => {
    const { store, sluice } = await managed();
    await nodeSays(store, 'n1', {});
    const drained = await sluice(['drain', 'node/n1', '--deadline', '1m', '--wait', '--reason', 'kernel']);
    expect(drained).toMatchObject({ code: 0, stdout: 'node/n1 drained\n' });
    expect(drained.stderr).toContain('nothing runs there');
    const { value } = decodeNode('n1', (await store.get(nodeKey('n1'))).item?.value ?? '');
    expect(value.drain).toMatchObject({ by: 'ann@ann-pc', reason: 'kernel', deadlineSeconds: 60 });
    expect(value.addresses).toEqual(['10.0.0.1']);
    await putRaw(store, { 'assignment/n1/web/web-1': '{}' });
    expect((await sluice(['wait', 'node/n1', '--for', 'drained', '--timeout', '50ms'])).code).toBe(3);
    expect((await sluice(['drain', 'node/n1', '--wait', '--timeout', '50ms', '--deadline', '1m'])).code).toBe(
      124,
    );
    expect((await sluice(['restore', 'node/n1', '-o', 'json'])).stdout).toContain('"outcome": "restored"');
    const outcomes = (await trail(store)).map(({ subject, outcome }) => `${subject} ${outcome ?? ''}`);
    expect(outcomes).toContain('node/n1 restored');
  });

  it('is for instances and nodes that are there', async () => {
    const { store, sluice } = await managed();
    await nodeSays(store, 'n1', {});
    expect((await sluice(['drain', 'web'])).code).toBe(64);
    expect((await sluice(['drain', 'web/web-9'])).code).toBe(4);
    const missing = await sluice(['drain', 'node/n2']);
    expect(missing.code).toBe(4);
    expect(missing.stderr).toContain('did you mean n1?');
    expect((await sluice(['drain', 'node/n1', '--deadline', '2d'])).code).toBe(64);
    expect((await sluice(['wait', 'web', '--for', 'drained'])).code).toBe(64);
  });
});

describe('node', () => {
  it('cordons and uncordons, all or nothing', async () => {
    const { store, sluice } = cluster();
    await nodeSays(store, 'n1', {});
    await nodeSays(store, 'n2', {});
    expect((await sluice('node cordon n1 n3')).code).toBe(4);
    expect((await sluice('node cordon n1 node/n2 --dry-run')).stdout).toBe(
      'node/n1 would be cordoned\nnode/n2 would be cordoned\n',
    );
    expect((await sluice('list nodes')).stdout).not.toContain('cordoned');
    expect((await sluice('node cordon n1 node/n2')).stdout).toBe('node/n1 cordoned\nnode/n2 cordoned\n');
    expect((await sluice('node cordon n1')).stdout).toBe('node/n1 unchanged\n');
    expect((await sluice('node list')).stdout).toMatch(/n1 +alive,cordoned/);
    expect((await sluice('describe node/n1')).stdout).toContain('nothing new is placed here');
    expect((await sluice('node uncordon n1 --if-revision 1')).code).toBe(75);
    expect((await sluice('node uncordon n1')).stdout).toBe('node/n1 uncordoned\n');
    const outcomes = (await trail(store)).map(({ subject, outcome }) => `${subject} ${outcome ?? ''}`);
    expect(outcomes).toEqual(['node/n1 cordoned', 'node/n2 cordoned', 'node/n1 uncordoned']);
  });
});

describe('managed services are shown', () => {
  it('with what they run, where, and why instances are not ready', async () => {
    const { store, sluice } = await managed();
    await nodeSays(store, 'n1', { applied: 99 });
    await leads(store);
    await instanceSays(store, 'web-1');
    await instanceSays(store, 'web-2', {
      state: 'failed',
      port: 0,
      why: 'user web does not exist',
      restarts: 3,
    });
    await instanceSays(store, 'web-3', { templateHash: 'aaaaaaaaaaaaaaaa' });
    for (const [name, words] of [
      ['describe-managed', ['describe', 'web']],
      ['describe-managed-instance', ['describe', 'web/web-2']],
      ['list-managed', ['list']],
      ['list-managed-instances', ['list', 'instances', 'web', '-o', 'wide']],
      ['status-managed', ['status']],
    ] as const) {
      const { stdout } = await sluice(words);
      await expect(stdout).toMatchFileSnapshot(`../golden/cli/${name}.txt`);
    }
    const status = await sluice(['status', '-o', 'json']);
    expect(JSON.parse(status.stdout)).toMatchObject({ items: [{ leader: { node: 'n1', pid: 1 } }] });
    await remove(store, LEADER_KEY);
    const checked = await sluice(['status', '--check']);
    expect(checked.code).toBe(3);
    expect(checked.stdout).toContain('nobody leads');
  });

  it('as healthy only when as many are ready as there shall be', async () => {
    const { store, sluice } = await managed();
    await instanceSays(store, 'web-1');
    const waited = await sluice(['wait', 'web', '--for', 'healthy', '--timeout', '50ms']);
    expect(waited.code).toBe(3);
    expect(waited.stderr).toContain('1 of 2 instances ready');
    await instanceSays(store, 'web-2');
    expect((await sluice(['wait', 'web', '--for', 'healthy'])).code).toBe(0);
    expect((await sluice(['wait', 'web', '--for', 'instances=2'])).code).toBe(0);
  });
});
