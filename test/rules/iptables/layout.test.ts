import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharesOf } from '../../../src/balance/shares.ts';
import { formatAddress } from '../../../src/model/address.ts';
import { formatEntry, parseEntry, type Entry } from '../../../src/model/entry.ts';
import { assertRestoreText } from '../../../src/rules/iptables/grammar.ts';
import type { Chains } from '../../../src/rules/iptables/chains.ts';
import { diffChains } from '../../../src/rules/iptables/diff.ts';
import { documentsOf } from '../../../src/rules/iptables/documents.ts';
import { NOTHING_INSTALLED } from '../../../src/rules/iptables/parse.ts';
import { renderChains } from '../../../src/rules/iptables/render.ts';
import type { EntryRules, Ruleset } from '../../../src/rules/ruleset.ts';
import { entryArbitrary, rulesArbitrary, rulesetArbitrary, rulesetFrom } from '../arbitrary.ts';
import { trace } from './tracer.ts';

const FAMILIES = ['ipv4', 'ipv6'] as const;
const familyOf = (entry: Entry): 'ipv4' | 'ipv6' => (entry.ip.includes(':') ? 'ipv6' : 'ipv4');

function rulesOf(entry: string, weights: readonly number[]): EntryRules {
  const targets = weights.map((weight, at) => ({ ip: `10.0.${at >> 8}.${at & 255}`, port: 80, weight }));
  return { entry: parseEntry(entry), service: 'web', masquerade: false, targets };
}

/** Gotos into every chain, of all chains and the hooks. */
function referenceCounts(chains: Chains): ReadonlyMap<string, number> {
  const counts = new Map([...chains.keys()].map((name) => [name, 0]));
  for (const line of [...chains.values()].flat()) {
    const target = / -g (\S+)$/.exec(line)?.[1];
    if (target !== undefined) counts.set(target, (counts.get(target) ?? 0) + 1);
  }
  return counts;
}

describe('the iptables layout', { timeout: 60_000 }, () => {
  it('sends every entry to its instances by their weights, and lets nothing fall through', () => {
    fc.assert(
      fc.property(rulesetArbitrary(60), (ruleset) => {
        const chains = { ipv4: renderChains(ruleset, 'ipv4'), ipv6: renderChains(ruleset, 'ipv6') };
        for (const { entry, targets, masquerade } of ruleset.entries) {
          const traced = trace(chains[familyOf(entry)], entry);
          const shares = sharesOf(targets.map(({ weight }) => weight));
          expect(traced.targets.size).toBe(targets.length);
          const errors = targets.map((target, at) =>
            Math.abs((traced.targets.get(formatAddress(target)) ?? 0) - (shares[at] ?? 0)),
          );
          // 2^-31 is the kernel's precision; up to four rules with it stand on the way.
          expect(Math.max(0, ...errors)).toBeLessThan(1e-8);
          expect(traced.untouched).toBe(targets.length === 0 ? 1 : 0);
          expect(traced.marked).toBe(masquerade && targets.length > 0);
        }
      }),
      { seed: 11, numRuns: 30 },
    );
  });

  it('leaves alone every packet that is for no entry', () => {
    fc.assert(
      fc.property(rulesetArbitrary(40), fc.array(entryArbitrary, { maxLength: 30 }), (ruleset, packets) => {
        const held = new Set(ruleset.entries.map(({ entry }) => formatEntry(entry)));
        for (const packet of packets.filter((one) => !held.has(formatEntry(one)))) {
          const traced = trace(renderChains(ruleset, familyOf(packet)), packet);
          expect(traced).toMatchObject({ untouched: 1, marked: false });
        }
      }),
      { seed: 12, numRuns: 30 },
    );
  });

  it('is a tree: every chain but the two that are hooked is referenced exactly once', () => {
    fc.assert(
      fc.property(rulesetArbitrary(80), (ruleset) => {
        for (const family of FAMILIES) {
          const counts = [...referenceCounts(renderChains(ruleset, family))];
          expect(counts.filter(([, count]) => count !== 1)).toEqual([
            ['SLUICE-ENTRIES', 0],
            ['SLUICE-POST', 0],
          ]);
        }
      }),
      { seed: 13, numRuns: 30 },
    );
  });

  it('knows only chain names of up to 28 characters and only lines of its own grammar', () => {
    fc.assert(
      fc.property(rulesetArbitrary(40), (ruleset) => {
        for (const family of FAMILIES) {
          const chains = renderChains(ruleset, family);
          expect([...chains.keys()].filter((name) => name.length > 28)).toEqual([]);
          for (const { text } of documentsOf(diffChains(NOTHING_INSTALLED, chains), chains)) {
            assertRestoreText(text, family);
          }
        }
      }),
      { seed: 14, numRuns: 25 },
    );
  });

  it('does not depend on the order in which entries came and went', () => {
    fc.assert(
      fc.property(rulesetArbitrary(40), rulesArbitrary, (ruleset, extra) => {
        for (const family of FAMILIES) {
          const before = renderChains(ruleset, family);
          renderChains(rulesetFrom([...ruleset.entries, extra]), family);
          const fresh = { entries: structuredClone(ruleset.entries) };
          expect([...renderChains(fresh, family)]).toEqual([...before]);
        }
      }),
      { seed: 15, numRuns: 20 },
    );
  });

  it('stays within 15 chained jumps and 200 rules a packet, whatever the entries', () => {
    const dense = Array.from({ length: 4096 }, (_, at) => rulesOf(`10.96.0.1:${at * 16 + 1}`, [1]));
    const deep = Array.from({ length: 12 }, (_, digit) =>
      Array.from(
        { length: 16 },
        (_unused, value) => (BigInt(value) << BigInt(4 * digit)) | 0x0a60_0001_0001n,
      ),
    )
      .flat()
      .map((key) => {
        const octets = [40n, 32n, 24n, 16n].map((shift) => (key >> shift) & 255n).join('.');
        return rulesOf(`${octets}:${Number(key & 0xffffn) || 1}`, [1]);
      });
    const big = [
      rulesOf(
        '10.96.0.1:80',
        Array.from({ length: 5000 }, () => 3),
      ),
    ];
    for (const [entries, ruleLimit] of [
      [dense, 60],
      [deep, 200],
      [big, 100],
    ] as const) {
      const ruleset = rulesetFrom(entries);
      const chains = renderChains(ruleset, 'ipv4');
      for (const { entry } of ruleset.entries.filter((_, at) => at % 8 === 0)) {
        const traced = trace(chains, entry);
        expect(traced.jumps).toBeLessThanOrEqual(15);
        expect(traced.rulesSeen).toBeLessThanOrEqual(ruleLimit);
        expect(traced.untouched).toBe(0);
      }
    }
  });

  it('refuses a ruleset that holds one entry twice', () => {
    const twice: Ruleset = { entries: [rulesOf('10.96.0.1:80', [1]), rulesOf('10.96.0.1:80', [2])] };
    expect(() => renderChains(twice, 'ipv4')).toThrow(expect.objectContaining({ code: 'internal' }));
  });
});

/** Chains that differ between two lists of weights, and how many rules each has then. */
const changesOf = (
  before: readonly number[],
  after: readonly number[],
): readonly (readonly [string, number])[] => {
  const [old, desired] = [before, after].map((weights) =>
    renderChains({ entries: [rulesOf('10.96.0.1:80', weights)] }, 'ipv4'),
  );
  if (old === undefined || desired === undefined) throw new Error('both are rendered');
  const delta = diffChains({ ...NOTHING_INSTALLED, chains: old }, desired);
  return delta.changed.map((name) => [name.replace(/^SLUICE-S-.{13}/, 'S'), desired.get(name)?.length ?? 0]);
};

const ones = (count: number): readonly number[] => Array.from({ length: count }, () => 1);

describe('the chain of a service', () => {
  it('is the only one that a newcomer changes', () => {
    expect(changesOf(ones(3), ones(4))).toEqual([['S', 4]]);
    expect(changesOf(ones(15), ones(16))).toEqual([['S', 16]]);
    expect(changesOf(ones(100), ones(101))).toEqual([['S', 10]]);
  });

  it('gets a block when eight more are there, and the older blocks stay as they are', () => {
    expect(changesOf(ones(16), ones(17))).toEqual([
      ['S', 3],
      ['S-a0', 8],
      ['S-a1', 8],
    ]);
    expect(changesOf(ones(23), ones(24))).toEqual([
      ['S', 3],
      ['S-a2', 8],
    ]);
    expect(changesOf(ones(63), ones(64))).toEqual([
      ['S', 1],
      ['S-a7', 8],
      ['S-b0', 8],
    ]);
  });

  it('begins with the newest instance and ends with the oldest without a statistic', () => {
    const chains = renderChains({ entries: [rulesOf('10.96.0.1:80', [1, 2, 7])] }, 'ipv4');
    const lines = [...chains].find(([name]) => name.startsWith('SLUICE-S-'))?.[1] ?? [];
    expect(lines.map((line) => line.replace(/^-A \S+ /, ''))).toEqual([
      '-p tcp -m statistic --mode random --probability 0.70000000019 -j DNAT --to-destination 10.0.0.2:80',
      '-p tcp -m statistic --mode random --probability 0.66666666651 -j DNAT --to-destination 10.0.0.1:80',
      '-p tcp -j DNAT --to-destination 10.0.0.0:80',
    ]);
  });
});
