import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answersAlone, nodesOutOfReach, type Said } from '../../src/health/votes.ts';
import type { Reaches } from '../../src/model/node.ts';

const said = (markers: Readonly<Record<string, Reaches | undefined>>): Said =>
  new Map(Object.entries(markers));
const away = (markers: Parameters<typeof said>[0], before: readonly string[] = []): readonly string[] => [
  ...nodesOutOfReach({ away: new Set(before) }, said(markers)),
];

describe('a node is out of reach', () => {
  it('when two others say so and nobody has an answer', () => {
    const [no, yes] = [{ n5: false }, { n5: true }];
    expect(away({ n1: no, n2: no, n3: no, n5: {} })).toEqual(['n5']);
    expect(away({ n1: no, n2: no, n3: {}, n5: {} })).toEqual(['n5']);
    expect(away({ n1: no, n2: no, n3: yes, n5: {} })).toEqual([]);
    expect(away({ n1: no, n2: {}, n3: undefined, n5: {} })).toEqual([]);
  });

  it('when the only other one says so', () => {
    expect(away({ n1: { n2: false }, n2: { n1: true } })).toEqual(['n2']);
    expect(away({ n1: { n2: false } })).toEqual(['n2']);
  });

  it('not because it says so itself, nor because nobody says anything', () => {
    expect(away({ n1: { n1: false }, n2: {} })).toEqual([]);
    expect(away({ n1: {}, n2: undefined })).toEqual([]);
  });

  it('until somebody has an answer and its agent is there: a machine answers before what it runs is up', () => {
    const yes = { n5: true };
    expect(away({ n1: yes, n2: { n5: false } }, ['n5'])).toEqual(['n5']);
    expect(away({ n1: yes, n2: { n5: false }, n5: {} }, ['n5'])).toEqual([]);
    expect([
      ...nodesOutOfReach({ away: new Set(['n5']), unawaited: new Set(['n5']) }, said({ n1: yes })),
    ]).toEqual([]);
    expect(answersAlone(new Set(['n5', 'n6']), said({ n1: { n5: true, n6: true }, n6: {} }))).toEqual(['n5']);
  });

  it('also when those who found it out are gone, until it is there and nobody says anything of it', () => {
    expect(away({ n1: {}, n2: {} }, ['n5'])).toEqual(['n5']);
    expect(away({}, ['n5'])).toEqual(['n5']);
    expect(away({ n1: {}, n5: {} }, ['n5'])).toEqual([]);
  });
});

describe('whatever is said, seeded', () => {
  const names = ['n1', 'n2', 'n3', 'n4', 'n5'];
  const reaches = fc.dictionary(fc.constantFrom(...names), fc.boolean());
  const anything = fc.dictionary(fc.constantFrom(...names), reaches);

  it('leases that end take nobody out of reach, and an answer with a lease always brings back', () => {
    fc.assert(
      fc.property(anything, fc.subarray(names), (markers, gone) => {
        const before = away(markers);
        const left = Object.fromEntries(Object.entries(markers).filter(([name]) => !gone.includes(name)));
        // With two or less left, one voice is enough; and whose answer is gone with its lease vetoes nothing.
        const isNew = (node: string): boolean =>
          !before.includes(node) && gone.every((name) => markers[name]?.[node] !== true);
        expect(Object.keys(left).length > 2 ? away(left).filter(isNew) : []).toEqual([]);
        const back = { ...markers, n1: { n5: true }, n5: {} };
        expect(away(back, names)).not.toContain('n5');
      }),
      { seed: 21, numRuns: 500 },
    );
  });
});
