import { describe, expect, it } from 'vitest';
import type { HealthView } from '../../src/health/evidence.ts';
import { gateOf } from '../../src/health/gate.ts';
import { nodes, NOW_MS, view } from './fleet.ts';

const silent = (agoMs: number) => ({ silentSinceMs: NOW_MS - agoMs, answers: false });
const isClosed = (parts: Partial<HealthView>): boolean => gateOf(view(parts)).kind === 'closed';
/** The first so many of `count` nodes are silent, each a second after the one before. */
const silentNodes = (count: number, gone: number) =>
  nodes(count, (index) => (index < gone ? silent(70_000 - index * 1_000) : {}));

/** Six nodes of which three are silent and out of reach. */
const awayFor = (forMs: number) =>
  nodes(6, (index) => (index < 3 ? { ...silent(700_000), awaySinceMs: NOW_MS - forMs } : {}));

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

  it('counts what fell silent within a minute, not what is silent by and by', () => {
    const slowly = nodes(10, (index) => (index < 6 ? silent(100_000 + index * 61_000) : {}));
    expect(isClosed({ nodes: slowly })).toBe(false);
    const quickly = nodes(10, (index) => (index < 6 ? silent(100_000 + index * 15_000) : {}));
    expect(isClosed({ nodes: quickly })).toBe(true);
  });

  it('does not close for what was taken away on purpose', () => {
    expect(isClosed({ nodes: silentNodes(6, 3) })).toBe(true);
    expect(isClosed({ nodes: silentNodes(6, 3), excused: new Set(['n0', 'n1', 'n2']) })).toBe(false);
  });

  it('does not expect nodes that were gone before anybody looked, unless something is said to run on them', () => {
    const old = nodes(6, (index) => (index < 3 ? silent(7_200_000) : {}));
    expect(isClosed({ nodes: old })).toBe(false);
    expect(isClosed({ nodes: old, used: new Set(['n0', 'n1', 'n2']) })).toBe(true);
  });

  it('counts nodes that nobody reaches although their leases are there', () => {
    const cut = nodes(5, (index) => (index < 2 ? { answers: false, awaySinceMs: NOW_MS - 8_000 } : {}));
    expect(isClosed({ nodes: cut })).toBe(true);
  });

  it('closes for 30 s after the store was lost', () => {
    expect(isClosed({ storeBackMs: NOW_MS - 29_999 })).toBe(true);
    expect(isClosed({ storeBackMs: NOW_MS - 30_000 })).toBe(false);
  });

  it('says why, what ends it, and nothing that changes every second', () => {
    const parts = { nodes: silentNodes(9, 8), storeBackMs: NOW_MS - 5_000 };
    const gate = gateOf(view(parts));
    expect(gate.kind === 'closed' && gate.reasons).toEqual([
      {
        why: 'the leader itself had lost the store a moment ago',
        ends: '30 s of following the store without a gap',
      },
      {
        why: '8 of 9 nodes fell silent together (n0, n1, n2, n3, n4 and 3 more): 4 are too many to believe',
        ends: 'fewer than 4 of them silent; or those that are gone for good cordoned or drained, or out of reach of all others for 10 minutes',
      },
    ]);
    expect(gateOf(view({ ...parts, nowMs: NOW_MS + 1_000 }))).toEqual(gate);
  });
});

describe('the gate opens', () => {
  it('when so many came back that too few are left', () => {
    expect(isClosed({ nodes: silentNodes(6, 3) })).toBe(true);
    expect(isClosed({ nodes: silentNodes(6, 2) })).toBe(false);
  });

  it('when those that are gone have been out of reach of all others for ten minutes', () => {
    expect(isClosed({ nodes: awayFor(599_000) })).toBe(true);
    expect(isClosed({ nodes: awayFor(600_000) })).toBe(false);
  });

  it('but not for nodes whose leases are there: a blocked question is no death', () => {
    const blocked = nodes(6, (index) => (index < 3 ? { awaySinceMs: NOW_MS - 700_000 } : {}));
    expect(isClosed({ nodes: blocked })).toBe(true);
  });
});
