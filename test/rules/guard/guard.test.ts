import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertGuardText } from '../../../src/rules/guard/guard-grammar.ts';
import { parseGuard } from '../../../src/rules/guard/guard-listing.ts';
import {
  diffGuard,
  emptySets,
  GUARD_SETS,
  guardOf,
  type GuardState,
  isSameGuard,
} from '../../../src/rules/guard/guard-state.ts';
import { guardChains, GUARD_REMOVAL, guardTable, guardUpdate } from '../../../src/rules/guard/guard-text.ts';
import { parseEntry } from '../../../src/model/entry.ts';
import type { EntryRules } from '../../../src/rules/ruleset.ts';
import { rulesetArbitrary, rulesetFrom } from '../arbitrary.ts';

const rules = (entry: string, count: number): EntryRules => {
  const parsed = parseEntry(entry);
  const targets = Array.from({ length: count }, (_, at) => ({
    ip: `10.200.0.${at + 1}`,
    port: 8080,
    weight: 1,
  }));
  return { entry: parsed, service: 'web', masquerade: false, targets };
};
const stateOf = (...entries: readonly EntryRules[]): GuardState => guardOf(rulesetFrom(entries));
const plain = (state: GuardState): Record<string, readonly string[]> =>
  Object.fromEntries(GUARD_SETS.map((set) => [set, [...state[set]].toSorted()]));

/** What nft prints for a state, elements wrapped over lines as it does. */
const listing = (state: GuardState, marks = false): string => {
  const sets = GUARD_SETS.map((set) => {
    const elements = [...state[set]].join(',\n\t\t\t     ');
    const rest = set.startsWith('addresses') ? '' : ' . inet_proto . inet_service';
    const type = `${set.endsWith('4') ? 'ipv4_addr' : 'ipv6_addr'}${rest}`;
    return `\tset ${set} {\n\t\ttype ${type}\n${elements === '' ? '' : `\t\telements = { ${elements} }\n`}\t}\n`;
  });
  return `table inet sluice_guard {\n${sets.join('\n')}\n${guardChains(marks)}}\n`;
};

describe('the guard of a ruleset', () => {
  it('has every entry, and those without instances among the refused', () => {
    const state = stateOf(rules('10.96.0.1:80', 2), rules('10.96.0.1:53/udp', 0), rules('[fd00::1]:80', 0));
    expect(plain(state)).toEqual({
      entries4: ['10.96.0.1 . tcp . 80', '10.96.0.1 . udp . 53'],
      entries6: ['fd00::1 . tcp . 80'],
      refused4: ['10.96.0.1 . udp . 53'],
      refused6: ['fd00::1 . tcp . 80'],
      addresses4: ['10.96.0.1'],
      addresses6: ['fd00::1'],
    });
  });

  it('is read back where nft knows no names of protocols', () => {
    const state = stateOf(rules('10.96.0.6:6', 2), rules('10.96.0.1:17/udp', 0), rules('[fd00::1]:80', 0));
    const numbers = listing(state).replaceAll(' . tcp . ', ' . 6 . ').replaceAll(' . udp . ', ' . 17 . ');
    expect(plain(parseGuard(numbers).state)).toEqual(plain(state));
  });

  it('changes by the elements that differ only, in one text that the grammar knows', () => {
    const before = stateOf(rules('10.96.0.1:80', 0), rules('10.96.0.2:80', 1));
    const after = stateOf(rules('10.96.0.1:80', 1), rules('10.96.0.3:80', 1));
    const text = guardUpdate(diffGuard(before, after));
    expect(text.split('\n')).toEqual([
      'delete element inet sluice_guard entries4 { 10.96.0.2 . tcp . 80 }',
      'add element inet sluice_guard entries4 { 10.96.0.3 . tcp . 80 }',
      'delete element inet sluice_guard refused4 { 10.96.0.1 . tcp . 80 }',
      'delete element inet sluice_guard addresses4 { 10.96.0.2 }',
      'add element inet sluice_guard addresses4 { 10.96.0.3 }',
      '',
    ]);
    expect(() => assertGuardText(text)).not.toThrow();
    expect(diffGuard(after, after)).toEqual([]);
  });

  it('is the same whatever the weights, and another when an entry or the last instance comes or goes', () => {
    const web = rulesetFrom([rules('10.96.0.1:80', 1), rules('10.96.0.2:80', 0)]);
    expect(isSameGuard(web, rulesetFrom([rules('10.96.0.1:80', 3), rules('10.96.0.2:80', 0)]))).toBe(true);
    expect(isSameGuard(web, rulesetFrom([rules('10.96.0.1:80', 0), rules('10.96.0.2:80', 0)]))).toBe(false);
    expect(isSameGuard(web, rulesetFrom([rules('10.96.0.1:80', 1), rules('10.96.0.3:80', 0)]))).toBe(false);
    expect(isSameGuard(web, rulesetFrom([rules('10.96.0.1:80', 1)]))).toBe(false);
  });

  it('is read back as it was written, for any ruleset, and its whole text is known to the grammar', () => {
    fc.assert(
      fc.property(rulesetArbitrary(30), (ruleset) => {
        const state = guardOf(ruleset);
        for (const marks of [false, true]) assertGuardText(guardTable(state, marks));
        const found = parseGuard(listing(state));
        expect(plain(found.state)).toEqual(plain(state));
        expect(found.frame).toBe(parseGuard(listing(emptySets())).frame);
      }),
      { seed: 71, numRuns: 60 },
    );
  });

  it('has another frame when a rule was added, so that drift is seen', () => {
    const text = listing(emptySets());
    const changed = text.replace('\t\tct status dnat accept\n', '\t\taccept\n\t\tct status dnat accept\n');
    expect(parseGuard(changed).frame).not.toBe(parseGuard(text).frame);
  });

  it('marks forwarded packets only where that is asked for', () => {
    expect([false, true].map((marks) => parseGuard(listing(emptySets(), marks)).marks)).toEqual([
      false,
      true,
    ]);
  });
});

describe('the grammar of the guard', () => {
  it('knows the removal', () => {
    expect(() => assertGuardText(GUARD_REMOVAL)).not.toThrow();
  });

  it.each([
    '',
    'flush ruleset\n',
    'add element inet sluice_guard entries4 { 10.96.0.1 . tcp . 80 }',
    'add element inet sluice_guard entries4 { 10.96.0.1 . tcp . 80 }; flush ruleset\n',
    'add element inet sluice_guard entries4 { 10.96.0.1 . tcp . 80 }\nflush ruleset\n',
    'add element inet sluice_guard entries4 { 10.96.0.01 . tcp . 80 }\n',
    'add element inet sluice_guard entries4 { fd00::1 . tcp . 80 }\n',
    'add element inet sluice_guard entries6 { 10.96.0.1 . tcp . 80 }\n',
    'add element inet sluice_guard entries4 { 10.96.0.1 . sctp . 80 }\n',
    'add element inet sluice_guard entries4 { 10.96.0.1 . tcp . 65536 }\n',
    'add element inet firewalld entries4 { 10.96.0.1 . tcp . 80 }\n',
    'add element inet sluice_guard others4 { 10.96.0.1 . tcp . 80 }\n',
    guardTable(emptySets(), false).replace('policy accept', 'policy drop'),
    `${guardTable(emptySets(), false)}flush ruleset\n`,
  ])('refuses %j', (text) => {
    expect(() => assertGuardText(text)).toThrow(expect.objectContaining({ code: 'internal' }));
  });
});
