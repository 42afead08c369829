import { describe, expect, it } from 'vitest';
import { parseEntry } from '../../../src/model/entry.ts';
import { printRules } from '../../../src/rules/iptables/print.ts';
import { rulesHash } from '../../../src/rules/rules-hash.ts';
import type { EntryRules, Ruleset } from '../../../src/rules/ruleset.ts';
import { rulesetFrom } from '../arbitrary.ts';

function web(entry: string, weights: readonly number[], masquerade = false): EntryRules {
  const parsed = parseEntry(entry);
  const ip = (at: number): string => (parsed.ip.includes(':') ? `fd00:1::${at + 11}` : `10.0.1.${at + 11}`);
  const targets = weights.map((weight, at) => ({ ip: ip(at), port: 8080, weight }));
  return { entry: parsed, service: 'web', masquerade, targets };
}

const SMALL = rulesetFrom([
  web('10.96.0.10:80', [1, 2, 7]),
  web('10.96.0.10:53/udp', [1, 1], true),
  web('10.96.0.11:80', []),
  web('[fd00::10]:443', [1, 3]),
]);

const TRIE = rulesetFrom([
  ...Array.from({ length: 20 }, (_, at) => web(`10.96.${at % 2}.${at}:80`, [1])),
  ...Array.from({ length: 10 }, (_, at) => web(`10.96.9.9:${at * 1000 + 1}`, [1])),
  web(
    '10.97.0.1:443',
    Array.from({ length: 18 }, (_, at) => at + 1),
  ),
]);

describe('printed rules', () => {
  it.each([
    ['small', SMALL],
    ['trie-and-blocks', TRIE],
    ['empty', { entries: [] }],
  ] satisfies readonly (readonly [string, Ruleset])[])(
    'of the ruleset %s are the golden ones',
    async (name, ruleset) => {
      await expect(printRules(ruleset)).toMatchFileSnapshot(`../../golden/rules-${name}.txt`);
    },
  );

  it('are refused whole if a value is no address', () => {
    const hostile = { ...web('10.96.0.10:80', []), targets: [{ ip: '10.0.0.1\n-F', port: 80, weight: 1 }] };
    expect(() => printRules({ entries: [hostile] })).toThrow(expect.objectContaining({ code: 'internal' }));
  });
});

const hashOf = (ruleset: Ruleset): string => rulesHash(ruleset.entries);

describe('the rules hash', () => {
  it('is equal for equal rulesets and differs for any change', () => {
    const hash = hashOf(rulesetFrom([web('10.96.0.10:80', [1, 2])]));
    expect(hashOf(rulesetFrom([web('10.96.0.10:80', [1, 2])]))).toBe(hash);
    const others = [
      web('10.96.0.10:80', [2, 1]),
      web('10.96.0.10:81', [1, 2]),
      web('10.96.0.10:80', [1, 2], true),
    ];
    const hashes = new Set([hash, ...others.map((other) => hashOf(rulesetFrom([other])))]);
    expect(hashes.size).toBe(4);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
  });
});
