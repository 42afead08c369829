import { describe, expect, it } from 'vitest';
import { divideLike, entriesOf, hasFamily } from '../../src/rules/families.ts';
import type { EntryRules, Ruleset } from '../../src/rules/ruleset.ts';

const rules = (ip: string): EntryRules => ({
  entry: { ip, port: 80, protocol: 'tcp' },
  service: 'web',
  masquerade: false,
  targets: [],
});
const [a4, b4, a6, b6] = ['10.0.0.1', '10.0.0.2', 'fd00::1', 'fd00::2'].map(rules);
const all = [a4, b4, a6, b6].flatMap((one) => one ?? []);
/** Every ruleset of some of the four, in their order. */
const rulesets = (): readonly Ruleset[] =>
  Array.from({ length: 2 ** all.length }, (_, bits) => ({
    entries: all.filter((_rules, at) => ((bits >> at) & 1) === 1),
  }));

describe('a ruleset made from another', () => {
  it('is divided by family like one made from nothing', () => {
    for (const [first] of rulesets().entries()) {
      for (const after of rulesets()) {
        const before = rulesets()[first] ?? { entries: [] };
        entriesOf(before, 'ipv4');
        divideLike(before, after);
        const [ipv4, ipv6] = [
          [a4, b4],
          [a6, b6],
        ].map((some) => after.entries.filter((one) => some.includes(one)));
        expect(entriesOf(after, 'ipv4')).toEqual(ipv4);
        expect(entriesOf(after, 'ipv6')).toEqual(ipv6);
        expect(hasFamily(after, 'ipv6')).toBe(ipv6?.length !== 0);
      }
    }
  });

  it('may follow one that nobody asked about', () => {
    const after: Ruleset = { entries: all };
    divideLike({ entries: [] }, after);
    expect(entriesOf(after, 'ipv6')).toEqual([a6, b6]);
  });
});
