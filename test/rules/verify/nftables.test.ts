import { describe, expect, it } from 'vitest';
import { parseEntry } from '../../../src/model/entry.ts';
import { entryChainName } from '../../../src/rules/nftables/names.ts';
import type { Installed } from '../../../src/rules/nftables/parse.ts';
import { renderRules } from '../../../src/rules/nftables/render.ts';
import { turnsOf } from '../../../src/rules/nftables/turns.ts';
import { compareNftables, type LiveNftables } from '../../../src/rules/verify/nftables.ts';
import { turnSlack } from '../../../src/rules/verify/turn-slack.ts';
import { rulesetFrom } from '../arbitrary.ts';

const entry = parseEntry('10.96.0.10:80');
const targets = [1, 2, 7].map((weight, index) => ({ ip: `10.0.1.${11 + index}`, port: 8080, weight }));
const ruleset = rulesetFrom([{ entry, service: 'web', masquerade: true, targets }]);
const CHAIN = entryChainName(entry);

/** Our table as installed, with changes. */
function installed(changes: Partial<Installed> = {}, node = 'n1'): LiveNftables {
  const rules = renderRules(ruleset, 'ipv4', node);
  return {
    installed: { ...rules, table: 'present', foreign: [], ...changes },
    connections: [7, 2, 1].map((connections, at) => ({
      entry,
      instance: targets[2 - at] ?? entry,
      connections,
    })),
    node: 'n1',
  };
}

/** Its chains with the lines of one changed. */
function chainsWith(
  name: string,
  change: (lines: readonly string[]) => readonly string[],
): Partial<Installed> {
  const { chains } = renderRules(ruleset, 'ipv4', 'n1');
  return { chains: new Map(chains).set(name, change(chains.get(name) ?? [])) };
}

describe('verifying the nftables layout', () => {
  it('finds nothing where every byte is right, and reads the counters', () => {
    const { differences, tallies } = compareNftables(ruleset, 'ipv4', installed());
    expect(differences).toEqual([]);
    expect(tallies).toMatchObject([
      { service: 'web', connections: 10, counts: [1, 2, 7], shares: [0.1, 0.2, 0.7], how: { kind: 'turns' } },
    ]);
    const nothing = { installed: undefined, connections: [], node: 'n1' };
    expect(compareNftables(ruleset, 'ipv6', nothing)).toEqual({ differences: [], tallies: [] });
  });

  it.each<readonly [string, Partial<Installed>, string, string | undefined]>([
    [
      'another address',
      chainsWith(CHAIN, (lines) => lines.map((line) => line.replace('1.12', '1.99'))),
      CHAIN,
      'web',
    ],
    [
      'another turn',
      chainsWith(CHAIN, (lines) => lines.map((line) => line.replace('mod 10', 'mod 9'))),
      CHAIN,
      'web',
    ],
    ['a rule gone', chainsWith(CHAIN, (lines) => lines.slice(1)), CHAIN, 'web'],
    ['an emptied hook', chainsWith('output', () => []), 'output', undefined],
    ['no element', { entries: new Map() }, 'entries 10.96.0.10 . 6 . 80', 'web'],
    [
      'an element that leads elsewhere',
      { entries: new Map([['10.96.0.10 . 6 . 80', 'dispatch']]) },
      'entries 10.96.0.10 . 6 . 80',
      'web',
    ],
    ['no hairpin', { hairpin: new Set() }, 'set hairpin of ip sluice', undefined],
    ['a set of clients too much', { clients: new Set(['x']) }, 'sets of clients of ip sluice', undefined],
    ['a chain of a stranger', { foreign: ['chain mine'] }, 'strangers of ip sluice', undefined],
    ['another priority', { table: 'broken' }, 'hooks and sets of ip sluice', undefined],
  ])('names what has %s', (_title, changes, chain, service) => {
    const { differences } = compareNftables(ruleset, 'ipv4', installed(changes));
    expect(differences.map((each) => [each.chain, each.service])).toEqual([[chain, service]]);
    expect([...(differences[0]?.missing ?? []), ...(differences[0]?.unwanted ?? [])].length).toBeGreaterThan(
      0,
    );
  });

  it('names a table that is not there', () => {
    const { differences } = compareNftables(ruleset, 'ipv4', { ...installed(), installed: undefined });
    expect(differences).toMatchObject([{ part: 'rules', chain: 'table ip sluice' }]);
  });

  it('compares phases only if it knows whose they are', () => {
    const foreign = installed({}, 'n2');
    expect(compareNftables(ruleset, 'ipv4', foreign).differences.map(({ chain }) => chain)).toEqual([CHAIN]);
    expect(compareNftables(ruleset, 'ipv4', { ...foreign, node: undefined }).differences).toEqual([]);
  });

  it('knows a turn in every phase, told by what it takes or by what it leaves out', () => {
    const nodes = Array.from({ length: 20 }, (_, at) => `node-${at}`);
    const lines = nodes.flatMap((node) => renderRules(ruleset, 'ipv4', node).chains.get(CHAIN) ?? []);
    expect(lines.some((line) => line.includes('!='))).toBe(true);
    for (const node of nodes) {
      const unknown = { ...installed({}, node), node: undefined };
      expect(compareNftables(ruleset, 'ipv4', unknown).differences).toEqual([]);
    }
  });

  it('holds no shares against clients that stay', () => {
    const sticky = rulesetFrom([
      { ...ruleset.entries[0], entry, service: 'web', masquerade: false, targets, affinitySeconds: 60 },
    ]);
    expect(compareNftables(sticky, 'ipv4', installed()).tallies).toMatchObject([
      { how: { kind: 'clients' } },
    ]);
  });
});

/** Counts of each instance when `total` connections take their turns, from any state of the counters. */
function taken(weights: readonly number[], skipped: number, total: number): readonly number[] {
  const turns = weights.map((weight, at) =>
    at === 0
      ? []
      : turnsOf(
          weight,
          weights.slice(0, at + 1).reduce((sum, each) => sum + each, 0),
        ),
  );
  const counters = turns.map((own) => own.map(() => 0));
  const counts = weights.map(() => 0);
  for (let n = 0; n < skipped + total; n += 1) {
    let to = 0;
    for (let at = weights.length - 1; at > 0 && to === 0; at -= 1) {
      for (const [index, turn] of (turns[at] ?? []).entries()) {
        const own = counters[at] ?? [];
        const position = own[index] ?? 0;
        own[index] = (position + 1) % turn.modulus;
        if (position < turn.count) {
          to = at;
          break;
        }
      }
    }
    if (n >= skipped) counts[to] = (counts[to] ?? 0) + 1;
  }
  return counts;
}

describe('the slack of turns', () => {
  it.each([[[1, 1, 1, 1, 1]], [[1, 2, 7]], [[3, 1, 4, 1, 5, 9, 2, 6]], [[97, 101, 3]]])(
    'is never passed by weights %j, and is a few connections',
    (weights) => {
      const sum = weights.reduce((total, each) => total + each, 0);
      const slack = turnSlack(weights.map((weight, at) => ({ ip: `10.0.0.${at + 1}`, port: 80, weight })));
      for (let skipped = 0; skipped < 60; skipped += 7) {
        for (let total = 1; total < 400; total += 13) {
          taken(weights, skipped, total).forEach((count, at) => {
            expect(Math.abs(count - (total * (weights[at] ?? 0)) / sum)).toBeLessThanOrEqual(slack[at] ?? 0);
          });
        }
      }
      expect(Math.max(...slack)).toBeLessThanOrEqual(16);
    },
  );
});
