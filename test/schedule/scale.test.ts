/** Tests the number of instances as the leader decides it: from the store's records and nodes' samples to steps. */
import { describe, expect, it } from 'vitest';
import type { HeardLoad } from '../../src/balance/scaling-samples.ts';
import type { Assignment } from '../../src/model/assignment.ts';
import { instanceKey } from '../../src/model/load.ts';
import type { ScalingPin } from '../../src/model/policy-scaling.ts';
import type { Instance, Service, Stored } from '../../src/model/service.ts';
import { NO_SCALING, scaleServices, type ScalingMemory } from '../../src/schedule/scale.ts';
import { CPU_POLICY } from '../balance/scaled-service.ts';
import { template } from './world.ts';

const START = Date.UTC(2026, 0, 1);
const at = (second: number): string => new Date(START + second * 1_000).toISOString();

const stored = <T>(value: T): Stored<T> => ({ value, createRevision: 1, modRevision: 7, raw: {} });

interface Fleet {
  readonly replicas: number;
  readonly cpu: number | undefined;
  readonly pin?: ScalingPin;
  readonly mode?: 'act' | 'recommend';
}

function viewOf({ replicas, pin, mode = 'act' }: Fleet) {
  const service: Service = {
    name: 'web',
    entries: [{ ip: '10.96.0.1', port: 80, protocol: 'tcp' }],
    origin: 'managed',
    masquerade: false,
    replicas,
    template: template('t1'),
    policy: { scaling: { ...CPU_POLICY, min: 2, max: 20, mode } },
    createdAt: at(0),
    ...(pin === undefined ? {} : { pin }),
  };
  const ids = Array.from({ length: replicas }, (_, index) => `i${index}`);
  const instances = ids.map((id) =>
    stored<Instance>({
      service: 'web',
      id,
      ip: '10.0.0.1',
      port: 80,
      weight: 1,
      origin: 'managed',
      state: 'ready',
      stateSince: at(-3_600),
      createdAt: at(-3_600),
    }),
  );
  const assignments = ids.map((id) =>
    stored<Assignment>({
      node: 'n1',
      service: 'web',
      id,
      template: template('t1'),
      templateHash: 'x',
      weight: 1,
      createdAt: at(0),
    }),
  );
  const node = { name: 'n1', facts: undefined, aliveRevision: 1 };
  return {
    services: new Map([['web', stored(service)]]),
    instances: new Map([['web', instances]]),
    assignments,
    nodes: new Map([['n1', node]]),
  };
}

function loadsOf({ replicas, cpu }: Fleet, second: number): ReadonlyMap<string, HeardLoad> {
  if (cpu === undefined) return new Map();
  const keys = Array.from({ length: replicas }, (_, index) => instanceKey('web', `i${index}`));
  const instances = Object.fromEntries(keys.map((key) => [key, { cpu, connections: 4, acceptQueue: 0 }]));
  const load = { node: 'n1', at: START + second * 1_000, cores: 4, instances, newConnections: {} };
  return new Map([['n1', { load, arrivedMs: second * 1_000 }]]);
}

/** Looks every two seconds; what is said and done, by second. */
function look(from: number, to: number, fleet: Fleet, memory: ScalingMemory = NO_SCALING, recommend = false) {
  const said: string[] = [];
  let now = { ...fleet };
  let before = memory;
  for (let second = from; second <= to; second += 2) {
    const scaled = scaleServices(viewOf(now), {
      loads: loadsOf(now, second),
      values: new Map(),
      now: { ms: second * 1_000, at: at(second) },
      recommend,
      memory: before,
    });
    before = scaled.memory;
    for (const { actions, notices, topic, basis } of scaled.steps) {
      expect({ topic, basis }).toEqual({
        topic: 'scaling',
        basis: [{ kind: 'service', service: 'web', modRevision: 7 }],
      });
      for (const action of actions) {
        if (action.kind !== 'resize') throw new Error(action.kind);
        said.push(`${second}: ${action.what}`);
        now = { ...now, replicas: action.replicas };
      }
      said.push(...notices.map(({ what, why }) => `${second}: ${what}: ${why}`));
    }
  }
  return { said, memory: before, replicas: now.replicas };
}

describe('the number of instances that the leader decides', () => {
  it('grows with load at once and is written once, and a quiet service is told of once', () => {
    const quiet = look(0, 60, { replicas: 4, cpu: 0.65 });
    expect(quiet.said).toHaveLength(1);
    expect(quiet.said[0]).toContain('stays at 4 instances');
    const busy = look(62, 80, { replicas: 4, cpu: 0.9 }, quiet.memory);
    expect(busy.said[0]).toMatch(/^6[24]: 4 → [56] instances$/);
    expect(busy.replicas).toBeGreaterThan(4);
  });

  it('shrinks only after the time that the policy says, by a quarter at most', () => {
    const idle = look(0, 400, { replicas: 8, cpu: 0.1 });
    const fewer = idle.said.filter((line) => line.includes('→'));
    expect(fewer[0]).toMatch(/^30[0-9]: 8 → 6 instances$/);
    expect(idle.replicas).toBeLessThan(6);
  });

  it('does nothing but say so where it only recommends, by policy or by monitor', () => {
    const byPolicy = look(0, 10, { replicas: 4, cpu: 0.95, mode: 'recommend' });
    expect(byPolicy.said.join()).toContain('would be 4 → ');
    expect(byPolicy.replicas).toBe(4);
    expect(look(0, 10, { replicas: 4, cpu: 0.95 }, NO_SCALING, true).said).toEqual(byPolicy.said);
  });

  it('stays where people pinned it, and at the 0 that they set', () => {
    const pin = { replicas: 4, until: at(100) };
    const pinned = look(0, 98, { replicas: 4, cpu: 0.95, pin });
    expect([pinned.replicas, pinned.said.length]).toEqual([4, 1]);
    expect(pinned.said[0]).toContain('pinned by hand');
    expect(look(100, 110, { replicas: 4, cpu: 0.95, pin }, pinned.memory).replicas).toBeGreaterThan(4);
    const none = look(0, 10, { replicas: 0, cpu: 0.5 });
    expect(none.replicas).toBe(0);
    expect(none.said[0]).toContain('people set it to 0');
  });

  it('keeps what is there when nothing is known, and within the bounds of the policy', () => {
    const blind = look(0, 400, { replicas: 8, cpu: undefined });
    expect(blind.replicas).toBe(8);
    expect(blind.said.join()).toContain('too little is known of cpu');
    expect(look(0, 2, { replicas: 1, cpu: undefined }).replicas).toBe(2);
  });
});
