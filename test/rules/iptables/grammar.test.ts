import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertRestoreText } from '../../../src/rules/iptables/grammar.ts';
import { diffChains } from '../../../src/rules/iptables/diff.ts';
import { documentsOf } from '../../../src/rules/iptables/documents.ts';
import { NOTHING_INSTALLED } from '../../../src/rules/iptables/parse.ts';
import { renderChains } from '../../../src/rules/iptables/render.ts';
import type { EntryRules } from '../../../src/rules/ruleset.ts';

const S = 'SLUICE-S-0123456789abc';
const T = 'SLUICE-T-0123456789abc';
const DECLARED = [S, `${S}-a0`, T, 'SLUICE-TCP', 'SLUICE-ENTRIES', 'SLUICE-POST'].map(
  (name) => `:${name} - [0:0]`,
);
const check = (line: string, family: 'ipv4' | 'ipv6' = 'ipv4'): void =>
  assertRestoreText(['*nat', ...DECLARED, line, 'COMMIT', ''].join('\n'), family);
const refused = expect.objectContaining({ code: 'internal' });

describe('the grammar of restore texts', { timeout: 60_000 }, () => {
  it.each([
    `-A ${T} -d 10.96.0.0/20 -g ${T}`,
    `-A SLUICE-TCP -p tcp -m tcp --dport 0:4095 -g ${T}`,
    `-A ${T} -d 10.96.0.1/32 -p udp -m udp --dport 53 -g ${S}`,
    `-A ${S} -j MARK --set-xmark 0x100000/0x100000`,
    `-A ${S} -p tcp -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 10.0.0.1:80`,
    `-A ${S}-a0 -p tcp -j DNAT --to-destination 10.0.0.1:80`,
    `-A ${S} -m statistic --mode random --probability 0.50000000000 -g ${S}-a0`,
    '-I PREROUTING -j SLUICE-ENTRIES',
    '-D POSTROUTING -j SLUICE-POST',
    `-X ${S}`,
  ])('takes %s', (line) => {
    expect(() => check(line)).not.toThrow();
  });

  it.each([
    '-F',
    '-F PREROUTING',
    '-X',
    '-X KUBE-SERVICES',
    '-A PREROUTING -j SLUICE-ENTRIES',
    '-I PREROUTING -j DROP',
    '-I INPUT -j SLUICE-ENTRIES',
    '-I OUTPUT -j SLUICE-POST',
    ':KUBE-SERVICES - [0:0]',
    ':PREROUTING ACCEPT [0:0]',
    ':SLUICE-S-0123456789ABC - [0:0]',
    '*filter',
    'COMMIT',
    '',
    '# comment',
    `-A ${T} -d 10.96.0.1/32 -p tcp -m udp --dport 53 -g ${S}`,
    `-A ${T} -d 010.96.0.1/32 -p tcp -m tcp --dport 53 -g ${S}`,
    `-A ${T} -d 10.96.0.1/32 -p tcp -m tcp --dport 053 -g ${S}`,
    `-A ${T} -d 10.96.0.1/32 -p tcp -m tcp --dport 70000 -g ${S}`,
    `-A ${T} -d 10.96.0.256/32 -p tcp -m tcp --dport 53 -g ${S}`,
    `-A ${T} -d 10.96.0.0/21 -g ${T}`,
    `-A ${T} -d 10.96.0.0/36 -g ${T}`,
    `-A ${T} -d fd00::/16 -g ${T}`,
    `-A ${T} -p tcp -m tcp --dport 80:79 -g ${T}`,
    `-A ${T} -d 10.96.0.1/32 -p tcp -m tcp --dport 53 -j ACCEPT`,
    `-A ${S} -p tcp -j DNAT --to-destination 10.0.0.1:80 --random`,
    `-A ${S} -p tcp -j DNAT --to-destination [10.0.0.1]:80`,
    `-A ${S} -p tcp -j DNAT --to-destination 10.0.0.1:0`,
    `-A ${S} -p tcp -j DNAT --to-destination 10.0.0.1-10.0.0.9:80`,
    `-A ${S} -p tcp -m statistic --mode random --probability 1.00000000000 -j DNAT --to-destination 10.0.0.1:80`,
    `-A ${S} -g SLUICE-S-zzzzzzzzzzzzz-a0`,
    `-A ${S} -g SLUICE-S-1123456789abc-a0`,
    `-A ${S}-a0 -j MARK --set-xmark 0x100000/0x100000`,
    `-A ${S} -j MARK --set-xmark 0x1/0x1`,
    '-A SLUICE-POST -j MASQUERADE --random-fully',
    '-A SLUICE-UDP -d 10.96.0.1/32 -p udp -m udp --dport 53 -g SLUICE-S-0123456789abc',
  ])('refuses %j', (line) => {
    expect(() => check(line)).toThrow(refused);
  });

  it('takes IPv6 lines for ip6tables only', () => {
    const line = `-A ${S} -p tcp -j DNAT --to-destination [fd00::1]:80`;
    expect(() => check(line, 'ipv6')).not.toThrow();
    expect(() => check(line, 'ipv4')).toThrow(refused);
    expect(() => check(`-A ${S} -p tcp -j DNAT --to-destination fd00::1:80`, 'ipv6')).toThrow(refused);
    expect(() => check(`-A ${S} -p tcp -j DNAT --to-destination 10.0.0.1:80`, 'ipv6')).toThrow(refused);
  });

  it.each([
    ['', 'nothing'],
    ['*nat\n', 'no commit'],
    ['*nat\nCOMMIT', 'no newline at the end'],
    ['*filter\nCOMMIT\n', 'another table'],
    ['*nat\nCOMMIT\n*filter\nCOMMIT\n', 'a second table'],
    [`*nat\n-A ${S} -j MARK --set-xmark 0x100000/0x100000\nCOMMIT\n`, 'a chain that was not declared'],
    [`*nat\n-X ${S}\nCOMMIT\n`, 'deleting a chain that was not declared'],
  ])('refuses a text %j: %s', (text) => {
    expect(() => assertRestoreText(text, 'ipv4')).toThrow(refused);
  });

  it('lets no value of a hostile ruleset through as another line', () => {
    const nasty = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom(
        '10.0.0.1\n-F',
        '10.0.0.1 -j ACCEPT',
        '10.0.0.1\r\n-X',
        '$(reboot)',
        '10.0.0.1\u0000',
        '٣.0.0.1',
      ),
    );
    fc.assert(
      fc.property(nasty, nasty, fc.oneof(fc.integer(), fc.constant(80)), (entryIp, targetIp, port) => {
        fc.pre(!/^\d+\.\d+\.\d+\.\d+$/.test(entryIp) || !/^\d+\.\d+\.\d+\.\d+$/.test(targetIp));
        const rules: EntryRules = {
          entry: { ip: entryIp, port: 80, protocol: 'tcp' },
          service: 'web',
          masquerade: false,
          targets: [{ ip: targetIp, port, weight: 1 }],
        };
        const family = entryIp.includes(':') ? 'ipv6' : 'ipv4';
        const chains = renderChains({ entries: [rules] }, family);
        const [document] = documentsOf(diffChains(NOTHING_INSTALLED, chains), chains);
        expect(() => assertRestoreText(document?.text ?? '', family)).toThrow(refused);
      }),
      { seed: 41, numRuns: 2000 },
    );
  });
});
