import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffRules, isEmptyDelta } from '../../../src/rules/nftables/diff.ts';
import { documentsOf } from '../../../src/rules/nftables/documents.ts';
import { assertNftText } from '../../../src/rules/nftables/grammar.ts';
import { firstLoad } from '../../../src/rules/nftables/first-load.ts';
import { type NftRules, NO_RULES } from '../../../src/rules/nftables/nft-rules.ts';
import { printNftRules } from '../../../src/rules/nftables/print.ts';
import { createRenderer, renderRules } from '../../../src/rules/nftables/render.ts';
import type { Ruleset } from '../../../src/rules/ruleset.ts';
import { webRules } from '../../contract/dataplane-suite.ts';
import { rulesetArbitrary, rulesetFrom } from '../arbitrary.ts';

const GOLDEN = '../../golden/rules-nftables.txt';
const BLOCKS = Array.from({ length: 20 }, (_, at) => 1 + (at % 3));

const renderIpv4 = (ruleset: Ruleset): NftRules => renderRules(ruleset, 'ipv4', 'n1');

const textsBetween = (installed: NftRules, desired: NftRules): readonly string[] => {
  const delta = diffRules(installed, desired);
  const table = installed === NO_RULES ? 'absent' : 'present';
  return [...documentsOf({ family: 'ipv4', delta, installed, desired, table })].map(({ text }) => text);
};

describe('the nftables layout', () => {
  it('is as a person has read it', async () => {
    const ruleset = rulesetFrom([
      webRules('10.96.0.1:80', [1, 2, 7]),
      webRules('10.96.0.2:53/udp', [1], true),
      webRules('10.96.0.3:80', []),
      webRules('10.96.0.4:80', BLOCKS),
      { ...webRules('[fd00::10]:80', [1, 99]), affinitySeconds: 10_800 },
    ]);
    await expect(printNftRules(ruleset, 'n1')).toMatchFileSnapshot(GOLDEN);
  });

  it('has lines of its own grammar only, and two ways to a ruleset end in the same rules', () => {
    fc.assert(
      fc.property(rulesetArbitrary(12), rulesetArbitrary(12), (one, other) => {
        for (const family of ['ipv4', 'ipv6'] as const) {
          const [from, to] = [renderRules(one, family, 'n1'), renderRules(other, family, 'n1')];
          const delta = diffRules(from, to);
          for (const { text } of documentsOf({
            family,
            delta,
            installed: from,
            desired: to,
            table: 'present',
          })) {
            if (text.trim() !== '') assertNftText(text, family);
          }
          expect(isEmptyDelta(diffRules(to, renderRules(structuredClone(other), family, 'n1')))).toBe(true);
        }
      }),
      { seed: 53, numRuns: 60 },
    );
  }, 60_000);

  it('never looks an instance up in a map: rules of entries match by counting only', () => {
    const { chains } = renderRules(rulesetFrom([webRules('10.96.0.1:80', [1, 2, 7])]), 'ipv4', 'n1');
    for (const rule of chains.get('tcp-10.96.0.1-80') ?? []) {
      expect(rule).toMatch(
        /^(numgen inc mod \d+ (!= )?\d+(-\d+)? )?meta l4proto 6 dnat to 10\.200\.0\.\d+:8080$/,
      );
    }
  });

  it('touches one chain for a changed weight, and takes nothing else away', () => {
    const others = Array.from({ length: 100 }, (_, at) => webRules(`10.97.0.${at}:80`, [1, 2]));
    const before = renderIpv4(rulesetFrom([webRules('10.96.0.1:80', [1, 1]), ...others]));
    const after = renderIpv4(rulesetFrom([webRules('10.96.0.1:80', [1, 3]), ...others]));
    const [text = '', ...more] = textsBetween(before, after);
    expect(more).toEqual([]);
    expect(text.replaceAll(/mod \d+ (?:!= )?[0-9-]+/g, 'TURN')).toBe(
      'flush chain ip sluice tcp-10.96.0.1-80\n' +
        'table ip sluice {\nchain tcp-10.96.0.1-80 {\n' +
        'numgen inc TURN meta l4proto 6 dnat to 10.200.0.2:8080\n' +
        'meta l4proto 6 dnat to 10.200.0.1:8080\n}\n}\n',
    );
  });

  it('sends first loads of many services in several texts, each service in one, the hooks in the last', () => {
    const many = rulesetFrom(
      Array.from({ length: 3000 }, (_, at) => webRules(`10.96.${at >> 8}.${at & 255}:80`, [1, 2, 7, 1, 1])),
    );
    const { fixed, render } = createRenderer('ipv4', 'n1');
    const entries = render(many).slice(1);
    const load = firstLoad({ family: 'ipv4', entries, fixed, table: 'absent' });
    const documents = [load.table, ...load.entries, load.hooks];
    expect(documents.map(({ isReached }) => isReached).indexOf(true)).toBe(documents.length - 1);
    const texts = documents.map(({ text }) => text);
    expect(documents.reduce((sum, { rulesWritten }) => sum + rulesWritten, 0)).toBe(3000 * 5 + 11);
    expect(texts.length).toBeGreaterThan(2);
    for (const text of texts) {
      expect(text.length).toBeLessThan(800_000);
      assertNftText(text, 'ipv4');
      const names = (pattern: RegExp): readonly string[] =>
        [...text.matchAll(pattern)].map(([, name = '']) => name);
      expect(names(/^chain (tcp-\S+) \{$/gm).toSorted()).toEqual(names(/ : goto (\S+?),? /g).toSorted());
    }
    expect(texts.findIndex((text) => text.includes('type nat hook'))).toBe(texts.length - 1);
  });

  it('differs by node in phases only', () => {
    const ruleset = rulesetFrom([
      webRules('10.96.0.1:80', [1, 1, 1, 1, 1]),
      webRules('10.96.0.2:80', BLOCKS),
    ]);
    const texts = ['n1', 'n2', 'n3'].map((node) =>
      JSON.stringify([...renderRules(ruleset, 'ipv4', node).chains]),
    );
    expect(new Set(texts).size).toBe(3);
    expect(new Set(texts.map((text) => text.replaceAll(/mod (\d+) [0-9-]+/g, 'mod $1'))).size).toBe(1);
  });
});

describe('the grammar for nft', () => {
  it.each([
    'delete table ip nat',
    'flush ruleset',
    'add table ip sluice; flush ruleset',
    'delete table inet sluice',
    'flush chain ip nat PREROUTING',
    'add rule ip sluice tcp-10.96.0.1-80 meta l4proto 6 dnat to 10.0.0.1:80',
    'add chain ip sluice tcp-10.96.0.1-80',
    'table ip nat {\n}',
    'table ip6 sluice {\n}',
    'table ip sluice { chain evil { accept; }; }',
    'table ip sluice {\nflush ruleset\n}',
    'table ip sluice {\nchain evil {\n}\n}',
    'table ip sluice {\nchain tcp-10.96.0.999-80 {\n}\n}',
    'table ip sluice {\nset evil { type ipv4_addr; }\n}',
    'chain tcp-10.96.0.1-80 {\n}',
    '}',
    'add element ip sluice entries { 10.96.0.1 . 6 . 80 : drop }',
    'add element ip sluice hairpin { 10.96.0.1 . 10.96.0.2 }',
    'add element ip sluice connections { 10.96.0.1 . 6 . 80 }',
    'delete set ip sluice entries',
    'include "/etc/passwd"',
    '',
  ])('knows no line %j', (line) => {
    expect(() => assertNftText(`${line}\n`, 'ipv4')).toThrow(expect.objectContaining({ code: 'internal' }));
  });

  it.each([
    ['tcp-10.96.0.1-80', 'accept'],
    ['tcp-10.96.0.1-80', 'goto tcp-10.96.0.2-80/a0'],
    ['tcp-10.96.0.1-80', 'meta l4proto 6 dnat to 10.0.0.256:80'],
    ['tcp-10.96.0.1-80', 'meta l4proto 6 dnat to [fd00::1]:80'],
    ['tcp-10.96.0.1-80', 'meta l4proto 6 dnat to 10.0.0.1:0'],
    ['tcp-10.96.0.1-80', 'meta l4proto 6 dnat to 10.0.0.1:80; flush ruleset'],
    ['tcp-10.96.0.1-80', 'type nat hook prerouting priority -110; policy accept;'],
    ['tcp-10.96.0.1-80', 'chain evil {'],
    ['prerouting', 'type nat hook prerouting priority -500; policy accept;'],
    ['prerouting', 'accept'],
  ])('knows no rule in chain %s that is %j', (chain, rule) => {
    expect(() => assertNftText(`table ip sluice {\nchain ${chain} {\n}\n}\n`, 'ipv4')).not.toThrow();
    expect(() => assertNftText(`table ip sluice {\nchain ${chain} {\n${rule}\n}\n}\n`, 'ipv4')).toThrow(
      expect.objectContaining({ code: 'internal' }),
    );
  });

  it.each(['add table ip sluice', 'table ip sluice {\n', 'table ip sluice {\nchain dispatch {\n}\n'])(
    'knows no text that is cut off: %j',
    (text) => {
      expect(() => assertNftText(text, 'ipv4')).toThrow(expect.objectContaining({ code: 'internal' }));
    },
  );
});
