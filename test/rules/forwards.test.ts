import { describe, expect, it } from 'vitest';
import { parseEntry } from '../../src/model/entry.ts';
import { forwards } from '../../src/rules/forwards.ts';
import { guardFrame } from '../../src/rules/guard/guard-text.ts';
import { fixedChains } from '../../src/rules/iptables/fixed-chains.ts';
import { serviceChains } from '../../src/rules/iptables/service-chain.ts';
import { entryUnit } from '../../src/rules/nftables/entry-chain.ts';
import type { EntryRules } from '../../src/rules/ruleset.ts';

const WEB: EntryRules = {
  entry: parseEntry('10.96.0.10:80'),
  service: 'web',
  masquerade: false,
  targets: [
    { ip: '10.0.0.1', port: 8080, weight: 1 },
    { ip: '10.0.0.2', port: 8080, weight: 2 },
  ],
};

describe('rules that forward', () => {
  it('are those of an entry, in both layouts', () => {
    expect(
      forwards(
        serviceChains(WEB)
          .flatMap(({ lines }) => lines)
          .join('\n'),
      ),
    ).toBe(true);
    expect(forwards(JSON.stringify(entryUnit(WEB, 'n1')))).toBe(true);
  });

  it('are not what is left after a flush: the guard, the permanent chains', () => {
    const left = [guardFrame(true), guardFrame(false), ...fixedChains('ipv4').flatMap(({ lines }) => lines)];
    expect(left.join('\n')).toMatch(/dnat/i);
    expect(forwards(left.join('\n'))).toBe(false);
  });
});
