import { describe, expect, it } from 'vitest';
import { probeTargets } from '../../src/health/probers.ts';

const all = Array.from({ length: 20 }, (_, index) => `n${index}`);
const targets = (self: string, names: readonly string[] = all): readonly string[] =>
  probeTargets(self, { alive: names, nodes: names });
/** Who asks a node. */
const probers = (node: string, names: readonly string[] = all): readonly string[] =>
  names.filter((self) => targets(self, names).includes(node));

describe('who asks whom', () => {
  it('is known alike to everybody: three others each, in whatever order they are named', () => {
    for (const node of all) {
      expect(probers(node)).toHaveLength(3);
      expect(probers(node)).not.toContain(node);
      expect(targets(node, all.toReversed())).toEqual(targets(node));
    }
    expect(targets('n0', ['n0', 'n1'])).toEqual(['n1']);
    expect(targets('n0', ['n0'])).toEqual([]);
  });

  it('changes little when a node goes: only whom it asked gets another', () => {
    const without = all.filter((node) => node !== 'n7');
    for (const node of without) {
      const before = probers(node);
      const lost = before.filter((prober) => !probers(node, without).includes(prober));
      expect(lost).toEqual(before.includes('n7') ? ['n7'] : []);
    }
  });

  it('is spread: nobody asks many', () => {
    expect(Math.max(...all.map((node) => targets(node).length))).toBeLessThanOrEqual(9);
  });

  it('leaves silent nodes to be asked by live ones', () => {
    const alive = all.slice(0, 4);
    const asking = alive.filter((self) => probeTargets(self, { alive, nodes: all }).includes('n19'));
    expect(asking).toHaveLength(3);
  });
});
