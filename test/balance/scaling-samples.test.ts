import { describe, expect, it } from 'vitest';
import { type HeardLoad, scaledInstances, type ServingInstance } from '../../src/balance/scaling-samples.ts';
import type { NodeLoad } from '../../src/model/load.ts';

const NOW_MS = 1_000_000;

function heard(node: string, load: Partial<NodeLoad>, ageMs = 1_000): readonly [string, HeardLoad] {
  const whole = { node, at: 5, cores: 4, instances: {}, newConnections: {}, ...load };
  return [node, { load: whole, arrivedMs: NOW_MS - ageMs }];
}

const ONE: ServingInstance = { id: 'a', node: 'n1', readySinceMs: 0 };
const N1 = heard('n1', {
  instances: { 'web/a': { cpu: 0.4, connections: 7, acceptQueue: 1 } },
  serviceConnections: { web: 3 },
});

/** What is known of one instance. */
const loadOf = (
  loads: readonly (readonly [string, HeardLoad])[],
  forwarding: readonly string[],
  instance = ONE,
) =>
  scaledInstances({
    service: 'web',
    instances: [instance],
    loads: new Map(loads),
    forwarding,
    nowMs: NOW_MS,
  })[0]?.load;

describe('the load of an instance', () => {
  it('is what its own node measured, and what all nodes counted towards it', () => {
    const loads = [N1, heard('n2', { serviceConnections: { web: 5, other: 9 } }, 4_000)];
    expect(loadOf(loads, ['n1', 'n2'])).toEqual({
      arrivedMs: NOW_MS - 1_000,
      cpu: 0.4,
      connections: 7,
      acceptQueue: 1,
      newConnections: 8,
    });
  });

  it.each([
    ['was not heard', [N1]],
    ['was heard too long ago', [N1, heard('n2', { serviceConnections: { web: 5 } }, 6_001)]],
    [
      'did not count it',
      [N1, heard('n2', { newConnections: { 'web/a': 5 }, serviceConnections: { other: 5 } })],
    ],
  ])('has no number of new connections if a node that forwards %s', (_, loads) => {
    expect(loadOf(loads, ['n1', 'n2'])).toMatchObject({ cpu: 0.4, newConnections: undefined });
  });

  it('is what was counted towards it where no node samples it, and otherwise not known', () => {
    const elsewhere = { id: 'a', readySinceMs: 0 };
    expect(loadOf([N1], ['n1'], elsewhere)).toEqual({ arrivedMs: NOW_MS, newConnections: 3 });
    expect(loadOf([N1], [], { id: 'a' })).toBeUndefined();
    expect(loadOf([N1], ['n1'], { id: 'b', node: 'n1' })).toMatchObject({
      cpu: undefined,
      newConnections: undefined,
    });
  });

  it('has its part of the new connections of the service among those that are ready', () => {
    const instances = [ONE, { id: 'b', node: 'n1', readySinceMs: NOW_MS }, { id: 'c', node: 'n1' }];
    const of = { service: 'web', instances, loads: new Map([N1]), forwarding: ['n1'], nowMs: NOW_MS };
    expect(scaledInstances(of).map(({ load }) => load?.newConnections)).toEqual([1.5, 1.5, undefined]);
  });

  it('is not taken from what every object has', () => {
    expect(loadOf([N1], ['n1'], { id: '__proto__', node: 'n1' })?.cpu).toBeUndefined();
  });
});
