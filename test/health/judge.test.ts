import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeEvidence } from '../../src/health/evidence.ts';
import { judge, LOST_AFTER_MS } from '../../src/health/judge.ts';
import { views } from './arbitrary.ts';
import { nodes, NOW_MS, view } from './fleet.ts';

/** A fleet of which the first node is as said. */
const fleet = (count: number, first: Partial<NodeEvidence>) =>
  nodes(count, (index) => (index === 0 ? first : {}));
const silentFor = (ms: number): Partial<NodeEvidence> => ({ silentSinceMs: NOW_MS - ms, answers: false });
const lostOf = (evidence: readonly NodeEvidence[], lostAfterMs = LOST_AFTER_MS): readonly string[] => [
  ...judge(view({ nodes: evidence }), lostAfterMs).lost,
];

describe('a node that has fallen silent', () => {
  it('is lost after the time that was asked for, by default a minute', () => {
    expect(lostOf(fleet(5, silentFor(59_000)))).toEqual([]);
    expect(lostOf(fleet(5, silentFor(60_000)))).toEqual(['n0']);
    expect(lostOf(fleet(5, silentFor(59_000)), 30_000)).toEqual(['n0']);
  });

  it('is kept for ten minutes while its machine answers others, which is said', () => {
    const { lost, kept } = judge(view({ nodes: fleet(5, { ...silentFor(599_000), answers: true }) }), 60_000);
    expect([...lost]).toEqual([]);
    expect(kept.get('n0')?.why).toContain('its machine answers');
    expect(lostOf(fleet(5, { ...silentFor(600_000), answers: true }))).toEqual(['n0']);
  });

  it('of two nodes is lost only if the other has found it to be out of reach', () => {
    const { lost, kept } = judge(view({ nodes: fleet(2, silentFor(3_600_000)) }), 60_000);
    expect([...lost]).toEqual([]);
    expect(kept.get('n0')?.why).toContain('with two nodes');
    expect(lostOf(fleet(2, { ...silentFor(60_000), awaySinceMs: NOW_MS - 70_000 }))).toEqual(['n0']);
    const excused = new Set(['n0']);
    expect([...judge(view({ nodes: fleet(2, silentFor(60_000)), excused }), 60_000).lost]).toEqual(['n0']);
  });

  it('is not lost while its lease is there, however far out of reach it is', () => {
    expect(lostOf(fleet(5, { awaySinceMs: NOW_MS - 3_600_000, answers: false }))).toEqual([]);
  });
});

describe('whatever is seen, seeded', () => {
  it('no node is lost while the gate is closed, none that has its lease, and none that is also kept', () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(views, (seen) => {
        const { gate, lost, kept } = judge(seen, LOST_AFTER_MS);
        kinds.add(`${gate.kind} ${lost.size > 0} ${kept.size > 0}`);
        expect(gate.kind === 'open' || lost.size + kept.size === 0).toBe(true);
        for (const name of lost) {
          expect(kept.has(name)).toBe(false);
          expect(seen.nodes.find((node) => node.name === name)?.silentSinceMs).toBeDefined();
        }
      }),
      { seed: 11, numRuns: 400 },
    );
    expect([...kinds].toSorted()).toContain('open true true');
  });

  it('the gate opens when all came back, or those that are gone were taken away', () => {
    let closed = 0;
    fc.assert(
      fc.property(views, (seen) => {
        if (judge(seen, LOST_AFTER_MS).gate.kind === 'open') return;
        closed += 1;
        const back = seen.nodes.map(({ name }) => ({ name, answers: true }));
        const open = { kind: 'open' };
        expect(judge({ ...seen, nodes: back, storeBackMs: undefined }, LOST_AFTER_MS).gate).toEqual(open);
        const excused = new Set(seen.nodes.map(({ name }) => name));
        expect(judge({ ...seen, excused, storeBackMs: undefined }, LOST_AFTER_MS).gate).toEqual(open);
      }),
      { seed: 12, numRuns: 300 },
    );
    expect(closed).toBeGreaterThan(50);
  });
});
