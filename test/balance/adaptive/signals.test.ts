import { describe, expect, it } from 'vitest';
import { readSignals } from '../../../src/balance/adaptive/signals.ts';
import type { NodeLoad } from '../../../src/model/load.ts';

const load = (node: string, parts: Partial<NodeLoad>): NodeLoad => ({
  node,
  at: 1,
  cores: 2,
  instances: {},
  newConnections: {},
  ...parts,
});

describe('signals', () => {
  it('take processors and connections from the node of an instance, and add up what all nodes count', () => {
    const own = load('n1', {
      instances: { 'web/a': { cpu: 0.5, connections: 7 } },
      newConnections: { 'web/a': 2 },
    });
    const other = load('n2', { newConnections: { 'web/a': 3 } });
    const seen = [
      { load: own, ageMs: 0 },
      { load: other, ageMs: 6_000 },
    ];
    expect(readSignals(seen, ['n1', 'n2']).get('web/a')).toEqual({
      cpu: 0.5,
      connections: 7,
      rate: 5,
      counters: 2,
    });
  });

  it('know no rate while a node that forwards is not heard, and what was measured all the same', () => {
    const own = load('n1', {
      instances: { 'web/a': { cpu: 0.5, connections: 7 } },
      newConnections: { 'web/a': 2 },
    });
    const silent = { load: load('n2', { newConnections: { 'web/a': 3 } }), ageMs: 6_001 };
    for (const seen of [[{ load: own, ageMs: 0 }], [{ load: own, ageMs: 0 }, silent]])
      expect(readSignals(seen, ['n1', 'n2']).get('web/a')).toEqual({
        cpu: 0.5,
        connections: 7,
        rate: undefined,
        counters: 0,
      });
  });

  it('believe the younger of two nodes that both know an instance', () => {
    const old = load('n1', { instances: { 'web/a': { connections: 1 } } });
    const young = load('n2', { instances: { 'web/a': { connections: 2 } } });
    const seen = [
      { load: young, ageMs: 100 },
      { load: old, ageMs: 5_000 },
    ];
    expect(readSignals(seen, []).get('web/a')?.connections).toBe(2);
    expect(readSignals(seen.toReversed(), []).get('web/a')?.connections).toBe(2);
  });

  it('leave out what is stale, whatever the clock of the node says', () => {
    const instances = { 'web/a': { connections: 1 } };
    for (const ageMs of [6_001, -1, Number.NaN])
      expect(readSignals([{ load: load('n1', { instances }), ageMs }], []).size).toBe(0);
    for (const at of [0, 1e15])
      expect(readSignals([{ load: load('n1', { at, instances }), ageMs: 0 }], []).size).toBe(1);
  });

  it('leave out numbers that cannot have been measured', () => {
    const bad = [Number.NaN, -1, Number.POSITIVE_INFINITY, 1e300];
    const signals = bad.map((value) =>
      readSignals(
        [
          {
            load: load('n1', {
              instances: { 'web/a': { cpu: value, connections: value } },
              newConnections: { 'web/a': value },
            }),
            ageMs: 0,
          },
        ],
        [],
      ).get('web/a'),
    );
    expect(signals).toEqual(
      bad.map(() => ({ cpu: undefined, connections: undefined, rate: undefined, counters: 0 })),
    );
  });
});
