import { describe, expect, it } from 'vitest';
import { parseEntry } from '../../../src/model/entry.ts';
import { serviceChainName } from '../../../src/rules/iptables/chain-names.ts';
import { printRules } from '../../../src/rules/iptables/print.ts';
import { compareIptables } from '../../../src/rules/verify/iptables.ts';
import { rulesetFrom } from '../arbitrary.ts';

const entry = parseEntry('10.96.0.10:80');
const ruleset = rulesetFrom([
  {
    entry,
    service: 'web',
    masquerade: true,
    targets: [1, 2, 7].map((weight, index) => ({ ip: `10.0.1.${11 + index}`, port: 8080, weight })),
  },
]);
const CHAIN = serviceChainName(entry);

/** The rules as a listing with counters shows them: `counts` for the rules that choose, 0 elsewhere. */
function listing(counts: readonly number[]): string {
  let next = 0;
  return printRules(ruleset)
    .replaceAll(/^-I (PREROUTING|OUTPUT|POSTROUTING)/gm, '-A $1')
    .split('\n')
    .map((line) => {
      if (!line.startsWith('-A ')) return line;
      return / -j DNAT /.test(line) ? `[${counts[next++] ?? 0}:0] ${line}` : `[0:0] ${line}`;
    })
    .join('\n');
}

describe('verifying the iptables layout', () => {
  it('finds nothing where every byte is right, and reads the counters', () => {
    const { differences, tallies } = compareIptables(ruleset, 'ipv4', listing([70, 21, 9]));
    expect(differences).toEqual([]);
    expect(tallies).toHaveLength(1);
    expect(tallies[0]).toMatchObject({ service: 'web', counts: [70, 21, 9], connections: 100 });
    expect(tallies[0]?.shares.map((share) => Number(share.toFixed(6)))).toEqual([0.7, 0.2, 0.1]);
    expect(compareIptables(rulesetFrom([]), 'ipv6', '')).toEqual({ differences: [], tallies: [] });
  });

  it.each([
    ['another address', (text: string) => text.replace('10.0.1.12:8080', '10.0.1.99:8080'), CHAIN],
    ['another chance', (text: string) => text.replace('0.70000000019', '0.69999999973'), CHAIN],
    ['a rule gone', (text: string) => text.replace(/\n.*10\.0\.1\.13:8080.*/, ''), CHAIN],
    [
      'an extra chain',
      (text: string) => text.replace('*nat\n', '*nat\n:SLUICE-S-0000000000000 - [0:0]\n'),
      'SLUICE-S-0000000000000',
    ],
    ['a missing hook', (text: string) => text.replace(/\n.*-A OUTPUT .*/, ''), 'OUTPUT'],
    ['a missing tree', (text: string) => text.replace(/\n.*-A SLUICE-TCP .*/, ''), 'SLUICE-TCP'],
  ])('names the chain with %s', (_title, change, chain) => {
    const { differences } = compareIptables(ruleset, 'ipv4', change(listing([0, 0, 0])));
    expect(differences.map((each) => each.chain)).toEqual([chain]);
    expect(differences[0]?.service).toBe(chain === CHAIN ? 'web' : undefined);
    expect([...(differences[0]?.missing ?? []), ...(differences[0]?.unwanted ?? [])].length).toBeGreaterThan(
      0,
    );
  });

  it('finds everything missing on a bare node', () => {
    const { differences } = compareIptables(ruleset, 'ipv4', '');
    expect(differences.map(({ chain }) => chain)).toContain(CHAIN);
    expect(differences.map(({ chain }) => chain)).toContain('PREROUTING');
  });
});
