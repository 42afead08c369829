import { describe, expect, it } from 'vitest';
import { memoryTable } from '../../../src/dataplane/memory-table.ts';
import { parseEntry } from '../../../src/model/entry.ts';
import { diffChains } from '../../../src/rules/iptables/diff.ts';
import { documentsOf, type DocumentOptions } from '../../../src/rules/iptables/documents.ts';
import { HOOKS } from '../../../src/rules/iptables/fixed-chains.ts';
import { NOTHING_INSTALLED } from '../../../src/rules/iptables/parse.ts';
import { renderChains } from '../../../src/rules/iptables/render.ts';
import { rulesetFrom } from '../arbitrary.ts';

const SERVICES = 2_500;
const chains = renderChains(
  rulesetFrom(
    Array.from({ length: SERVICES }, (_, at) => ({
      entry: parseEntry(`10.96.${at >> 8}.${at & 255}:80`),
      service: `s${at}`,
      masquerade: false,
      targets: [{ ip: '10.0.0.1', port: 80, weight: 1 }],
    })),
  ),
  'ipv4',
);
const texts = (hooks: typeof HOOKS, options?: DocumentOptions): readonly string[] =>
  [...documentsOf(diffChains({ ...NOTHING_INSTALLED, hooks }, chains), chains, options)].map(
    ({ text }) => text,
  );
const hasTrieRules = (text: string): boolean => /^-A SLUICE-(?:T-|TCP)/m.test(text);

describe('the transactions of a large difference', () => {
  it('of a first load are small ones, and the hooks come last', async () => {
    const all = texts([]);
    expect(all.filter(hasTrieRules).length).toBeGreaterThan(1);
    expect(all.findIndex((text) => text.includes('-I OUTPUT'))).toBe(all.length - 1);
    const table = memoryTable('ipv4');
    for (const text of all) await table.prepare(text)();
    const { chains: installed, hooks } = await table.read();
    expect(installed).toEqual(chains);
    expect(hooks).toHaveLength(HOOKS.length);
  });

  it('have the trie in one where packets reach it, so that none sees half of it', () => {
    expect(texts(HOOKS).filter(hasTrieRules)).toHaveLength(1);
    expect(texts(HOOKS.slice(0, 1)).filter(hasTrieRules)).toHaveLength(1);
  });

  it('are one where every transaction rewrites the whole table', () => {
    expect(texts([], { isWhole: true })).toHaveLength(1);
  });
});
