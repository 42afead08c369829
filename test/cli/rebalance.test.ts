import { describe, expect, it } from 'vitest';
import { encodeComputedWeights } from '../../src/model/computed-weights.ts';
import { encodeLock } from '../../src/model/lock.ts';
import { decodeAudit } from '../../src/model/records-audit.ts';
import { encodeAssignment } from '../../src/model/records-assignment.ts';
import { encodeLeader } from '../../src/model/records-leader.ts';
import { decodeInstance } from '../../src/model/records-service.ts';
import { templateHash } from '../../src/model/template-hash.ts';
import { assignmentKey, AUDIT, instancesOf, LEADER_KEY, lockKey, weightsKey } from '../../src/store/keys.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import { actors } from '../monitor/world.ts';
import { template } from '../schedule/world.ts';
import { run, type RunOptions, type RunResult } from './run.ts';

const AT = '2026-01-01T00:00:00.000Z';
const LEADER = { node: 'n1', host: 'n1', pid: 1, since: AT } as const;
const HOLDER = {
  scope: 'rebalance',
  actor: 'bob',
  host: 'web-1',
  pid: 7,
  command: 'sluice rebalance web',
  since: AT,
};

/** A cluster of which the third node came when four instances stood on the first two. */
async function uneven({ mode }: { readonly mode?: 'act' | 'recommend' | 'none' } = {}) {
  const store = createMemoryStore();
  const people = actors(store);
  for (const name of ['n1', 'n2', 'n3']) await people.node(name);
  const what = template('one');
  await people.publish('web', 4, what);
  for (const [index, node] of ['n1', 'n1', 'n2', 'n2'].entries()) {
    const one = {
      node,
      service: 'web',
      id: `i${index}`,
      template: what,
      templateHash: templateHash(what),
      weight: 1,
      createdAt: AT,
    };
    await people.write({
      kind: 'put',
      key: assignmentKey(node, 'web', one.id),
      value: encodeAssignment(one),
    });
    await people.say(one, 'ready');
  }
  const leader = mode === 'recommend' ? { ...LEADER, mode } : LEADER;
  if (mode !== 'none') await people.write({ kind: 'put', key: LEADER_KEY, value: encodeLeader(leader) });
  const drains = async () =>
    (await store.list(instancesOf('web'))).items.flatMap(({ key, value }) => {
      const id = key.slice('instance/web/'.length);
      const { drain } = decodeInstance('web', id, value).value;
      return drain === undefined ? [] : [{ id, by: drain.by, reason: drain.reason }];
    });
  const sluice = async (words: string, options?: RunOptions): Promise<RunResult> =>
    run(words.split(' '), { ...options, store });
  return { store, people, drains, sluice };
}

describe('rebalance', () => {
  it('orders the move that evens a service out, says so, and leaves a record of who', async () => {
    const { store, sluice, drains } = await uneven();
    const { code, stdout, stderr } = await sluice('rebalance --all --no-wait');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^service\/web moves i[0-3] from node\/n[12] to node\/n3 \(spread\): node\/n[12] has 2 of web, node\/n3 0\n$/,
    );
    expect(await drains()).toEqual([
      {
        id: expect.any(String),
        by: 'ann@ann-pc',
        reason: expect.stringMatching(/^rebalance: node\/n[12] has 2 of web/),
      },
    ]);
    const records = (await store.list(AUDIT)).items.map(
      ({ key, value }) => decodeAudit(key.slice('audit/'.length), value).value,
    );
    expect(records).toEqual([
      expect.objectContaining({
        actor: 'ann',
        command: 'sluice rebalance --all --no-wait',
        subject: 'service/web',
      }),
    ]);
    expect((await store.get(lockKey('rebalance'))).item).toBeUndefined();
  });

  it('leaves a service alone while a move is under way, and is then silent with -q', async () => {
    const { sluice, drains } = await uneven();
    expect((await sluice('rebalance web --no-wait -q')).stdout).toMatch(/^service\/web moves /);
    expect(await sluice('rebalance web --no-wait -q')).toEqual({ code: 0, stdout: '', stderr: '' });
    const told = await sluice('rebalance web --no-wait -v', { terminal: true });
    expect(told.stderr).toMatch(
      /service\/web is left alone: i[0-3] is being replaced or stopped\nnothing to do\n$/,
    );
    expect(await drains()).toHaveLength(1);
  });

  it('shows with --dry-run what it would do, for people and programs, and changes nothing', async () => {
    const { sluice, drains, store } = await uneven();
    const head = store.backend.history.head();
    const { stdout } = await sluice('rebalance --all --max-moves 1 --dry-run', { terminal: true });
    expect(stdout).toMatch(
      /^service\/web would move i[0-3] from .*\nbase revision [0-9]+\napply with: sluice rebalance --all --max-moves 1\n$/,
    );
    const json = await sluice('rebalance web --dry-run -o json');
    expect(JSON.parse(json.stdout)).toMatchObject({
      kind: 'RebalanceList',
      revision: head,
      items: [{ kind: 'move', outcome: 'planned', service: 'web', to: 'n3', reason: 'spread', gain: 0.5 }],
    });
    const young = await sluice('rebalance web --dry-run --min-age 365d');
    expect(young.stderr).toMatch(/service\/web is left alone: i[0-3] was started /);
    expect(young.stdout).toBe(`base revision ${head}\nnothing to do\n`);
    expect(await drains()).toEqual([]);
    expect(store.backend.history.head()).toBe(head);
  });

  it.each([
    ['none', 'no monitor leads: nothing is moved\n'],
    ['recommend', 'node/n1 leads and only recommends: nothing is moved\n'],
  ] as const)(
    'moves nothing where nobody would start another (%s), but sets weights there',
    async (mode, said) => {
      const { sluice, drains, store } = await uneven({ mode });
      const { code, stdout, stderr } = await sluice('rebalance web --no-wait');
      expect({ code, stderr }).toEqual({ code: 0, stderr: said });
      expect(stdout).toMatch(/^service\/web gets weights i0 25%, i1 25%, i2 25%, i3 25%: /);
      expect(await drains()).toEqual([]);
      expect((await store.get(weightsKey('web'))).item?.value).toContain('"i3"');
      expect((await sluice('rebalance web --no-wait -q')).stdout).toBe('');
    },
  );

  it('leaves weights to a monitor that leads', async () => {
    const { sluice, store, people } = await uneven();
    const weights = new Map([['i0', { weight: 9, base: 1 }]]);
    const value = encodeComputedWeights({ service: 'web', weights, why: 'so', at: AT });
    await people.write({ kind: 'put', key: weightsKey('web'), value });
    await sluice('rebalance web --no-wait');
    expect((await store.get(weightsKey('web'))).item?.value).toBe(value);
  });

  it('is one at a time: another one is named, waited for, or passed over', async () => {
    const { sluice, people, drains } = await uneven();
    await people.write({ kind: 'put', key: lockKey('rebalance'), value: encodeLock(HOLDER) });
    const refused = await sluice('rebalance --all -o json');
    expect(refused.code).toBe(75);
    expect(JSON.parse(refused.stderr)).toMatchObject({
      code: 'locked',
      details: { holder: { actor: 'bob' } },
    });
    expect(await sluice('rebalance --all -q --skip-if-locked')).toEqual({ code: 0, stdout: '', stderr: '' });
    const skipped = await sluice('rebalance --all --skip-if-locked --lock-timeout 1s');
    expect(skipped.stderr).toMatch(
      /^skipped: lock rebalance is taken, held by bob on web-1 \(pid 7\) for .*: sluice rebalance web\n$/,
    );
    expect(await drains()).toEqual([]);
    await people.write({ kind: 'delete', key: lockKey('rebalance') });
    expect((await sluice('rebalance --all --no-wait')).stdout).toContain('moves');
  });

  it.each([
    ['rebalance', 64, 'which services?'],
    ['rebalance web --all', 64, 'exclude each other'],
    ['rebalance --all --max-moves -1', 64, '--max-moves'],
    ['rebalance --all --max-moves x', 64, '"x" is not a number of moves'],
    ['rebalance --all --min-gain 10', 65, 'not per cent'],
    ['rebalance --all --splay 5', 64, 'the unit is missing'],
    ['rebalance wob', 4, 'did you mean web?'],
    ['rebalance node/n1', 64, 'is not a service'],
    ['rebalance web --if-revision 1', 75, 'was changed after revision 1'],
  ])('refuses %s with %i', async (words, code, text) => {
    const { sluice, drains } = await uneven();
    const result = await sluice(words);
    expect({ code: result.code, stdout: result.stdout }).toEqual({ code, stdout: '' });
    expect(result.stderr).toContain(text);
    expect(await drains()).toEqual([]);
  });

  it('says so when the store is away, and ends between the splay and the first look when told to', async () => {
    const away = await run(['rebalance', '--all'], {
      store: createMemoryStore({ fault: () => ({ kind: 'unreachable' }) }),
    });
    expect(away.code).toBe(69);
    const { sluice, drains } = await uneven();
    const stop = new AbortController();
    stop.abort();
    expect((await sluice('rebalance --all --splay 1h', { signal: stop.signal })).code).toBe(130);
    expect(await drains()).toEqual([]);
  });
});
