import { describe, expect, it } from 'vitest';
import type { HealthView } from '../../src/health/evidence.ts';
import { gateOf, gateWords } from '../../src/health/gate.ts';
import { failing, nodes, NOW_MS, refused, registered, view } from './fleet.ts';

const silent = (agoMs: number) => ({ silentSinceMs: NOW_MS - agoMs, heardMs: NOW_MS - agoMs, probes: [] });
const isClosed = (parts: Partial<HealthView>): boolean => gateOf(view(parts)).kind === 'closed';
/** The first so many of `count` nodes are silent, each a second after the one before. */
const silentNodes = (count: number, gone: number) =>
  nodes(count, (index) => (index < gone ? silent(70_000 - index * 1_000) : {}));
const silentInstances = (count: number, gone: number) =>
  registered(count, (index) => (index < gone ? { silentSinceMs: NOW_MS - 20_000 } : {}));

/** Five nodes of which nobody reaches two. */
const cutOff = (heardMs: number) =>
  nodes(5, (index) => (index < 2 ? { heardMs, probes: failing(NOW_MS, 8_000) } : {}));

/** Six nodes of which three are silent and out of reach. */
const awayFor = (forMs: number) =>
  nodes(6, (index) => (index < 3 ? { ...silent(700_000), probes: failing(NOW_MS, forMs) } : {}));

describe('the gate of self-preservation', () => {
  it.each([
    [5, 1, false],
    [5, 2, true],
    [2, 1, false],
    [2, 2, true],
    [3, 1, false],
    [20, 6, false],
    [20, 7, true],
    [100, 34, false],
    [100, 35, true],
  ])('of %i nodes, %i silent: closed is %j', (count, gone, expected) => {
    expect(isClosed({ nodes: silentNodes(count, gone) })).toBe(expected);
  });

  it.each([
    [100, 15, false],
    [100, 16, true],
    [5, 1, false],
    [5, 2, true],
    [1, 1, false],
    [10_000, 1_500, false],
    [10_000, 1_501, true],
  ])('of %i registered instances, %i silent: closed is %j', (count, gone, expected) => {
    expect(isClosed({ instances: silentInstances(count, gone) })).toBe(expected);
  });

  it('counts what fell silent within a minute, not what is silent by and by', () => {
    const slowly = nodes(10, (index) => (index < 6 ? silent(100_000 + index * 61_000) : {}));
    expect(isClosed({ nodes: slowly })).toBe(false);
    const quickly = nodes(10, (index) => (index < 6 ? silent(100_000 + index * 15_000) : {}));
    expect(isClosed({ nodes: quickly })).toBe(true);
  });

  it('counts leases of different length as one fault', () => {
    const instances = registered(10, (index) => {
      const leaseMs = 30_000 + index * 90_000;
      return index < 3 ? { leaseMs, silentSinceMs: NOW_MS - 400_000 + leaseMs } : {};
    });
    expect(isClosed({ instances })).toBe(true);
  });

  it('does not close for what was taken away on purpose', () => {
    const leaving = new Set(Array.from({ length: 60 }, (_, index) => `web/${index}`));
    const instances = silentInstances(100, 60);
    expect(isClosed({ instances })).toBe(true);
    expect(isClosed({ instances, intent: { excusedNodes: new Set(), leaving } })).toBe(false);
    const excusedNodes = new Set(['n0', 'n1', 'n2']);
    expect(isClosed({ nodes: silentNodes(6, 3) })).toBe(true);
    expect(isClosed({ nodes: silentNodes(6, 3), intent: { excusedNodes, leaving: new Set() } })).toBe(false);
  });

  it('expects as many as are there after a scale-in, not as many as there were', () => {
    expect(isClosed({ instances: silentInstances(100, 16) })).toBe(true);
    expect(isClosed({ instances: silentInstances(40, 6) })).toBe(false);
    expect(isClosed({ instances: silentInstances(40, 7) })).toBe(true);
  });

  it('does not expect nodes that were gone before anybody looked, unless something is said to run on them', () => {
    const old = nodes(6, (index) => (index < 3 ? silent(7_200_000) : {}));
    expect(isClosed({ nodes: old })).toBe(false);
    const instances = old
      .slice(0, 3)
      .map(({ name }) => ({ service: 'web', id: name, origin: 'managed', node: name, probes: [] }) as const);
    expect(isClosed({ nodes: old, instances })).toBe(true);
  });

  it('counts nodes that nobody reaches although their leases are there, but not those that speak themselves', () => {
    expect(isClosed({ nodes: cutOff(NOW_MS - 9_000) })).toBe(true);
    expect(isClosed({ nodes: cutOff(NOW_MS - 1_000) })).toBe(false);
  });

  it('closes for 30 s after the store was lost', () => {
    expect(isClosed({ storeBackMs: NOW_MS - 29_999 })).toBe(true);
    expect(isClosed({ storeBackMs: NOW_MS - 30_000 })).toBe(false);
  });

  it('says why, what ends it, and nothing that changes every second', () => {
    const parts = {
      nodes: silentNodes(9, 8),
      instances: silentInstances(10, 3),
      storeBackMs: NOW_MS - 5_000,
    };
    const gate = gateOf(view(parts));
    expect(gateWords(gate)).toEqual([
      'self-preservation: nothing is removed or started elsewhere because it is silent',
      '  why: the leader itself had lost the store a moment ago',
      '  ends with: 30 s of following the store without a gap',
      '  why: 8 of 9 nodes fell silent together (n0, n1, n2, n3, n4 and 3 more): 4 are too many to believe',
      '  ends with: fewer than 4 of them silent; or those that are gone for good cordoned or drained, or out of reach of all others for 10 minutes',
      '  why: 3 of 10 registered instances fell silent together (web/0, web/1, web/2): 2 are too many to believe',
      '  ends with: fewer than 2 of them silent; or those that are gone for good removed, or refusing connections',
    ]);
    expect(gateOf(view({ ...parts, nowMs: NOW_MS + 1_000 }))).toEqual(gate);
    expect(gateWords({ kind: 'open' })).toBeUndefined();
  });
});

describe('the gate opens', () => {
  const closed = { nodes: silentNodes(6, 3) };

  it('when so many came back that too few are left', () => {
    expect(isClosed(closed)).toBe(true);
    expect(isClosed({ nodes: silentNodes(6, 2) })).toBe(false);
  });

  it('when those that are gone have been out of reach of all others for ten minutes', () => {
    expect(isClosed({ nodes: awayFor(599_000) })).toBe(true);
    expect(isClosed({ nodes: awayFor(600_000) })).toBe(false);
  });

  it('but not for nodes whose leases are there: a blocked probe is no death', () => {
    const blocked = nodes(6, (index) =>
      index < 3 ? { heardMs: NOW_MS - 800_000, probes: failing(NOW_MS, 700_000) } : {},
    );
    expect(isClosed({ nodes: blocked })).toBe(true);
  });

  it('when the machines of silent instances say that they are gone', () => {
    const instances = silentInstances(10, 3);
    expect(isClosed({ instances })).toBe(true);
    expect(
      isClosed({
        instances: instances.map((one) =>
          one.silentSinceMs === undefined ? one : { ...one, probes: refused(NOW_MS) },
        ),
      }),
    ).toBe(false);
  });
});
