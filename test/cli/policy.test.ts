/** Tests `policy set|get|remove`, policies in spec files, and `scale --pin`. */
import { describe, expect, it } from 'vitest';
import { decodeService } from '../../src/model/records-service.ts';
import { serviceKey } from '../../src/store/keys.ts';
import type { MemoryStore } from '../../src/store/memory/memory.ts';
import { trail } from '../ops/world.ts';
import { cluster, run, type RunOptions, type RunResult } from './run.ts';

const MANAGED = [
  'publish',
  'web',
  '--entry',
  '10.96.0.10:80',
  '--replicas',
  '2',
  '--command',
  'serve {port}',
];
const LISTED = 'publish web --entry 10.96.0.10:80 --instance 10.0.1.11:8080'.split(' ');

interface World {
  readonly store: MemoryStore;
  readonly sluice: (words: string | readonly string[], options?: RunOptions) => Promise<RunResult>;
}

async function world(publish: readonly string[] = MANAGED): Promise<World> {
  const { store } = cluster();
  const sluice: World['sluice'] = async (words, options = {}) =>
    run(typeof words === 'string' ? words.split(' ') : words, { store, ...options });
  expect((await sluice(publish)).code).toBe(0);
  return { store, sluice };
}

const stored = async (store: MemoryStore) => {
  const { item } = await store.get(serviceKey('web'));
  return decodeService('web', item?.value ?? '').value;
};

const SET = 'policy set web --min 2 --max 20 --cpu 70% --connections 200 --mode recommend';

describe('policy set', () => {
  it('stores what is said, keeps the rest, and says what changes', async () => {
    const { store, sluice } = await world();
    expect(await sluice(SET)).toMatchObject({ code: 0, stdout: 'service/web updated\n' });
    const dry = await sluice('policy set web --max 30 --connections off --dry-run');
    expect(dry.code).toBe(0);
    expect(dry.stdout).toContain('policy scaling.max');
    expect(dry.stdout).toContain('20 → 30');
    expect(dry.stdout).toContain('policy scaling.connections');
    expect((await stored(store)).policy?.scaling?.max).toBe(20);
    expect(await sluice('policy set web --max 30 --connections off')).toMatchObject({ code: 0 });
    expect(await sluice('policy set web --max 30')).toMatchObject({ stdout: 'service/web unchanged\n' });
    const { policy, replicas } = await stored(store);
    expect({ policy, replicas }).toEqual({
      replicas: 2,
      policy: {
        scaling: {
          min: 2,
          max: 30,
          metrics: [{ kind: 'cpu', name: 'cpu', target: 0.7 }],
          mode: 'recommend',
          downAfterSeconds: 300,
          cooldownUpSeconds: 0,
          cooldownDownSeconds: 30,
        },
      },
    });
    const [, , last] = await trail(store);
    expect(last).toMatchObject({
      subject: 'service/web',
      command: expect.stringContaining('policy set web'),
    });
  });

  it('has the metrics of the admin with their targets', async () => {
    const { store, sluice } = await world();
    const words = [
      'policy',
      'set',
      'web',
      '--max',
      '9',
      '--metric-exec',
      'queue-length web',
      '--target',
      '30',
    ];
    expect(await sluice(words)).toMatchObject({ code: 0 });
    expect((await stored(store)).policy?.scaling?.metrics).toEqual([
      {
        kind: 'exec',
        name: 'exec',
        command: ['queue-length', 'web'],
        target: 30,
        as: 'total',
        intervalSeconds: 10,
        timeoutSeconds: 5,
      },
    ]);
  });

  it.each([
    ['policy set web', 64, 'nothing to set'],
    ['policy set web --cpu 70%', 65, '--max'],
    ['policy set web --max 3', 65, 'nothing to scale by'],
    ['policy set web --max 3 --cpu 700%', 65, '--cpu'],
    ['policy set web --max 3 --min 5 --cpu 70%', 65, '--max'],
    ['policy set nobody --max 3 --cpu 70%', 4, 'nobody'],
    ['policy remove web weight', 64, 'not a part'],
  ])('refuses %s', async (words, code, says) => {
    const { store, sluice } = await world();
    const refused = await sluice(words);
    expect(refused.code).toBe(code);
    expect(refused.stderr).toContain(says);
    expect((await stored(store)).policy).toBeUndefined();
  });

  it('is refused where sluice does not start the instances, but for weights', async () => {
    const { store, sluice } = await world(LISTED);
    expect(await sluice('policy set web --max 3 --cpu 70%')).toMatchObject({ code: 65 });
    expect(await sluice('policy set web --weights adaptive')).toMatchObject({ code: 0 });
    expect((await stored(store)).policy).toEqual({ weights: { kind: 'adaptive', slowStartSeconds: 10 } });
    expect((await sluice('list')).stdout).toMatch(/web .*adaptive/);
  });
});

describe('policy get and remove', () => {
  it('show what is in force, also as JSON, and take one part or all away', async () => {
    const { store, sluice } = await world();
    await sluice(SET);
    await sluice('policy set web --slow-start 30s');
    const json: unknown = JSON.parse((await sluice('policy get web -o json')).stdout);
    expect(json).toMatchObject({
      kind: 'PolicyList',
      items: [
        {
          service: 'web',
          weights: 'adaptive',
          slowStart: '30s',
          scaling: { min: 2, max: 20, cpu: '70%', connections: 200, mode: 'recommend' },
        },
      ],
    });
    expect((await sluice('policy get web')).stdout).toContain('cpu: 70%');
    expect((await sluice('describe web')).stdout).toContain(
      'adaptive, connections 200, cpu 70%, 2-20, recommend',
    );
    expect(await sluice('policy remove web scaling')).toMatchObject({ code: 0 });
    expect((await stored(store)).policy).toEqual({ weights: { kind: 'adaptive', slowStartSeconds: 30 } });
    expect(await sluice('policy remove web')).toMatchObject({ code: 0 });
    expect((await stored(store)).policy).toBeUndefined();
    expect(await sluice('policy remove web')).toMatchObject({ stdout: 'service/web unchanged\n' });
    expect(await sluice('policy get nobody')).toMatchObject({ code: 4 });
  });
});

const spec = (policy: string): string =>
  `kind: Service\nname: web\nentries: ["10.96.0.10:80"]\nreplicas: 2\ntemplate: {command: "serve {port}"}\n${policy}`;

describe('policies in spec files', () => {
  const POLICY = 'policy: {slowStart: 5s, weights: adaptive, scaling: {min: 2, max: 8, cpu: 60%}}\n';

  it('are set by publish, stay where a file says nothing, and read back from the plan', async () => {
    const { store, sluice } = await world();
    expect(await sluice('publish -f -', { stdin: spec(POLICY) })).toMatchObject({ code: 0 });
    const before = await stored(store);
    expect(before.policy).toMatchObject({
      weights: { slowStartSeconds: 5 },
      scaling: { max: 8, metrics: [{ kind: 'cpu', target: 0.6 }] },
    });
    expect(await sluice('publish -f -', { stdin: spec('') })).toMatchObject({
      stdout: 'service/web unchanged\n',
    });
    const plan = await sluice('plan -f -', { stdin: spec(POLICY.replace('60%', '80%')) });
    expect(plan.stdout).toContain('60% → 80%');
    expect((await stored(store)).policy).toEqual(before.policy);
  });

  it('go with the template where the instances are listed from now on', async () => {
    const { store, sluice } = await world();
    await sluice('publish -f -', { stdin: spec(POLICY) });
    expect(await sluice([...LISTED, '--replace'])).toMatchObject({ code: 0 });
    expect((await stored(store)).policy).toEqual({ weights: { kind: 'adaptive', slowStartSeconds: 5 } });
    const scaling = `kind: Service\nname: web\nentries: ["10.96.0.10:80"]\ninstances: []\n${POLICY}`;
    expect(await sluice('publish -f -', { stdin: scaling })).toMatchObject({ code: 65 });
  });
});

describe('scale --pin', () => {
  it('keeps the number from the policy for a while; scale without it ends that', async () => {
    const { store, sluice } = await world();
    expect(await sluice('scale web 5 --pin 2h')).toMatchObject({ code: 0, stdout: 'service/web updated\n' });
    const { pin, replicas } = await stored(store);
    expect({ replicas, pinned: pin?.replicas }).toEqual({ replicas: 5, pinned: 5 });
    expect((await sluice('describe web')).stdout).toMatch(/pinned: +to 5 until 20/);
    expect(await sluice('scale web 5')).toMatchObject({ stdout: 'service/web updated\n' });
    expect((await stored(store)).pin).toBeUndefined();
    for (const words of ['scale web 5 --pin 0s', 'scale web 5 --pin 100d']) {
      expect((await sluice(words)).code).toBeGreaterThan(0);
    }
    await sluice('scale web 6 --pin 1h');
    expect(await sluice('policy remove web pin')).toMatchObject({ code: 0 });
    expect(await stored(store)).toMatchObject({ replicas: 6 });
    expect((await stored(store)).pin).toBeUndefined();
  });
});
