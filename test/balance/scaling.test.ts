import { describe, expect, it } from 'vitest';
import { decideScaling } from '../../src/balance/scaling.ts';
import {
  constantLoad,
  CPU_POLICY,
  drive,
  finals,
  instances,
  type Load,
  spread,
  WALL_MS,
} from './scaled-service.ts';

const full: Load = () => ({ cpu: 1, newConnections: 40, connections: 25, acceptQueue: 20 });
const connected: Load = () => ({ cpu: 0.1, connections: 16, newConnections: 6 });

/** Ten new connections a second and instance, of which next to none ends. */
const longLived: Load = (second) => ({
  cpu: second < 100 ? 0.5 : 1,
  newConnections: 10,
  connections: Math.round(second * 9.9),
});

describe('more instances', () => {
  it('are the need divided by the target, rounded up, at once', () => {
    const [first] = drive({ to: 2, replicas: 4, load: constantLoad(0.9) });
    expect(first).toMatchObject({
      from: 4,
      want: 6,
      final: 6,
      act: true,
      metric: 'cpu',
      limiter: { kind: 'none' },
    });
    expect(first?.proposals[0]?.needFast).toBeCloseTo((4 * 0.9) / 0.7, 9);
  });

  it.each([0.7, 0.76, 0.58])('are not asked for at a load of %d: it is within the tolerance', (value) => {
    const decisions = drive({ to: 700, replicas: 4, load: constantLoad(value) });
    expect(decisions.every(({ final, limiter }) => final === 4 && limiter.kind === 'tolerance')).toBe(true);
  });

  it('come at most twice as many, or four more, in 15 s, whatever is wanted', () => {
    const policy = {
      ...CPU_POLICY,
      max: 1_000,
      metrics: [{ kind: 'rate', name: 'rate', target: 1 }] as const,
    };
    const decisions = drive({
      to: 60,
      replicas: 3,
      policy,
      load: (_, replicas) => ({ newConnections: 900 / replicas }),
    });
    const at = (second: number): number | undefined => decisions.find((one) => one.second === second)?.final;
    // A change counts from when it is seen, 2 s later.
    expect([at(0), at(16), at(18), at(34), at(36)]).toEqual([7, 7, 14, 14, 28]);
    expect(decisions[1]).toMatchObject({
      limiter: { kind: 'rate', direction: 'up', periodSeconds: 15 },
      nextSeconds: 15,
    });
  });

  it('grow from what is ready when the processors are full, so that starting ones do not compound', () => {
    const starting = drive({
      to: 9,
      replicas: 4,
      load: constantLoad(1),
      input: (seen) => ({ ...seen, instances: instances(4, seen.now.ms / 1_000, { cpu: 1 }) }),
    });
    expect(finals(starting)).toEqual([6, 6, 6, 6, 6]);
  });

  it('are judged by what arrives when the processors are full', () => {
    const calm = drive({
      to: 20,
      replicas: 4,
      load: () => ({ cpu: 0.5, newConnections: 10, connections: 5, acceptQueue: 0 }),
    });
    const [first] = drive({ from: 20, to: 22, replicas: 4, load: full, state: calm.at(-1)?.state });
    // 40 a second at 20 a second and instance are 8 instances of work, 11.4 at 70 %; and 80 wait.
    expect(first?.state.capacity).toBeCloseTo(20, 0);
    expect(first?.want).toBeGreaterThanOrEqual(12);
    expect(first?.final).toBe(8);
  });

  it('are not judged by what arrives when connections live long', () => {
    const decisions = drive({ to: 130, replicas: 4, load: longLived });
    expect(decisions.at(-1)?.state.capacity).toBeUndefined();
    expect(decisions.find(({ second }) => second === 104)).toMatchObject({ from: 5, want: 8, final: 8 });
  });

  it('stop at the most that the policy allows', () => {
    const decisions = drive({
      to: 60,
      replicas: 4,
      load: constantLoad(1),
      policy: { ...CPU_POLICY, max: 5 },
    });
    expect(decisions[0]).toMatchObject({ final: 5, want: 6, limiter: { kind: 'max', max: 5 } });
    expect(decisions.at(-1)).toMatchObject({ final: 5, limiter: { kind: 'max', max: 5 } });
  });

  it('are not asked for because an instance burns its processor while it starts', () => {
    const burning = drive({
      to: 10,
      replicas: 4,
      load: constantLoad(0.6),
      input: (seen, second) => ({
        ...seen,
        instances: [
          ...instances(2, second, { cpu: 0.6 }),
          { readySinceMs: 0, load: { arrivedMs: second * 1_000, cpu: 1 } },
          {},
        ],
      }),
    });
    expect(burning.every(({ final, coming }) => final === 4 && coming === 2)).toBe(true);
  });
});

describe('fewer instances', () => {
  it('come after 300 s in which fewer were enough, a quarter in 30 s, down to the need', () => {
    const decisions = drive({ to: 520, replicas: 16, load: spread(() => 3) });
    const changes = decisions.filter(({ act }) => act).map(({ second, final }) => [second, final]);
    expect(changes).toEqual([
      [300, 12],
      [332, 9],
      [364, 7],
      [396, 6],
      [428, 5],
    ]);
    expect(decisions[10]).toMatchObject({
      limiter: { kind: 'stabilised', count: 16, agoSeconds: 20 },
      nextSeconds: 280,
    });
  });

  it('are as many as were needed at the worst of the last 300 s', () => {
    const decisions = drive({
      to: 700,
      replicas: 16,
      load: spread((second) => (second >= 200 && second < 210 ? 7 : 2)),
    });
    const lowest = Math.min(...finals(decisions.filter(({ second }) => second < 500)));
    expect(lowest).toBe(10);
    expect(finals(decisions).at(-1)).toBeLessThan(10);
  });

  it('never become fewer than the policy allows, nor none at all', () => {
    const idle = drive({ to: 1_500, replicas: 8, load: constantLoad(0), policy: { ...CPU_POLICY, min: 3 } });
    expect(finals(idle).at(-1)).toBe(3);
    expect(idle.at(-1)?.limiter).toEqual({ kind: 'min', min: 3 });
    expect(finals(drive({ to: 1_500, replicas: 8, load: constantLoad(0) })).at(-1)).toBe(1);
  });

  it('may be none where people allow it and a metric of their own says that there is nothing to do, and then one again', () => {
    const queue = {
      kind: 'exec',
      name: 'queue',
      command: ['q'],
      target: 10,
      as: 'total',
      intervalSeconds: 10,
      timeoutSeconds: 5,
    } as const;
    const policy = { ...CPU_POLICY, min: 0, metrics: [...CPU_POLICY.metrics, queue] };
    const decisions = drive({
      to: 900,
      replicas: 2,
      load: constantLoad(0.01),
      policy,
      input: (seen, second) => ({
        ...seen,
        values: new Map([['queue', { arrivedMs: seen.now.ms, value: second < 800 ? 0 : 25 }]]),
      }),
    });
    expect(decisions.find(({ second }) => second === 790)?.final).toBe(0);
    expect(decisions.at(-1)?.final).toBe(3);
  });

  it('rest for half an hour when the direction turned six times within an hour', () => {
    const policy = { ...CPU_POLICY, downAfterSeconds: 10, cooldownDownSeconds: 0 };
    const flapping = spread((second) => (second % 120 < 60 ? 6 : 1));
    const decisions = drive({ to: 4_000, replicas: 4, load: flapping, policy });
    const rest = decisions.filter(({ limiter }) => limiter.kind === 'flapping');
    const downs = decisions.filter(({ act, from, final }) => act && final < from).map(({ second }) => second);
    const first = rest[0]?.second ?? Number.NaN;
    expect(first).toBeLessThan(600);
    expect(downs.filter((second) => second > first && second < first + 1_700)).toEqual([]);
    expect(downs.some((second) => second > first + 1_800)).toBe(true);
  });
});

describe('several metrics', () => {
  const metrics = [
    { kind: 'connections', name: 'connections', target: 10 },
    { kind: 'cpu', name: 'cpu', target: 0.7 },
    { kind: 'rate', name: 'rate', target: 5 },
  ] as const;
  const policy = { ...CPU_POLICY, metrics };

  it('give the most that any of them asks for', () => {
    const [first] = drive({ to: 2, replicas: 5, policy, load: connected });
    expect(first).toMatchObject({ want: 8, final: 8, metric: 'connections' });
    expect(first?.proposals.map(({ metric, want }) => [metric, want])).toEqual([
      ['connections', 8],
      ['cpu', 1],
      ['rate', 6],
    ]);
  });

  it('give fewer only when all of them say so', () => {
    const all = drive({
      to: 400,
      replicas: 8,
      policy,
      load: () => ({ cpu: 0.1, connections: 1, newConnections: 1 }),
    });
    const two = drive({
      to: 400,
      replicas: 8,
      policy,
      load: () => ({ cpu: 0.1, connections: 1, newConnections: 5 }),
    });
    const blind = drive({ to: 400, replicas: 8, policy, load: () => ({ cpu: 0.1, connections: 1 }) });
    expect(finals(all).at(-1)).toBeLessThan(8);
    expect(finals(two).at(-1)).toBe(8);
    expect(blind.at(-1)).toMatchObject({ final: 8, limiter: { kind: 'stale', metrics: ['rate'] } });
  });

  it('give more although one of them is not known', () => {
    const [first] = drive({
      to: 2,
      replicas: 5,
      policy,
      load: () => ({ connections: 16, newConnections: 1 }),
    });
    expect(first).toMatchObject({ final: 8, metric: 'connections', limiter: { kind: 'none' } });
  });

  it('know an average of the admin’s own as what holds for each instance', () => {
    const latency = {
      kind: 'http',
      name: 'latency',
      url: 'http://10.0.0.1/',
      target: 50,
      as: 'average',
      intervalSeconds: 10,
      timeoutSeconds: 5,
    } as const;
    const decision = decideScaling(
      {
        policy: { ...CPU_POLICY, metrics: [latency] },
        replicas: 4,
        instances: instances(4, 0, {}),
        values: new Map([['latency', { arrivedMs: 0, value: 100 }]]),
        now: { ms: 0, wallMs: WALL_MS },
      },
      undefined,
    );
    expect(decision).toMatchObject({ final: 8, proposals: [{ metric: 'latency', value: 100, needFast: 8 }] });
  });
});
