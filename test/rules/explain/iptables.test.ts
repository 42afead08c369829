import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { incompatibleTables, readIptables } from '../../../src/rules/explain/iptables-save.ts';
import { destinationOf } from '../../../src/rules/explain/iptables-target.ts';
import type { LiveTable } from '../../../src/rules/explain/live.ts';
import type { Certainty, Packet } from '../../../src/rules/explain/packet.ts';
import { printRules } from '../../../src/rules/iptables/print.ts';
import { rulesArbitrary, rulesetFrom } from '../arbitrary.ts';
import { ends, packet } from './world.ts';

const SOURCE = { owner: 'iptables-nft', family: 'ipv4' } as const;

function table(lines: readonly string[]): LiveTable {
  const chains = new Set(lines.map((line) => /-A (\S+)/.exec(line)?.[1] ?? ''));
  chains.delete('PREROUTING');
  const text = [
    '*nat',
    ':PREROUTING ACCEPT [0:0]',
    ...[...chains].map((name) => `:${name} - [0:0]`),
    ...lines,
    'COMMIT',
  ];
  const [found] = readIptables(text.join('\n'), SOURCE);
  if (found === undefined) throw new Error('no table');
  return found;
}

/** How one rule's matches come out. */
function match(rule: string, from: Packet = packet()): Certainty {
  const [found] =
    table([`[0:0] -A PREROUTING ${rule} -j DROP`])
      .chains.get('PREROUTING')
      ?.rules() ?? [];
  return found?.evaluate(from).match ?? 'no';
}

describe('matches of iptables rules', () => {
  it.each<readonly [string, Certainty]>([
    ['-d 10.96.0.0/16', 'yes'],
    ['! -d 10.96.0.0/16', 'no'],
    ['-s 10.0.9.7/32 -p tcp', 'yes'],
    ['-d 0.0.0.10/0.0.0.255', 'yes'],
    ['-p udp', 'no'],
    ['-p tcp -m tcp --dport 80', 'yes'],
    ['-p tcp -m tcp --dport 81:90', 'no'],
    ['-p tcp -m tcp --sport 1024:65535', 'maybe'],
    ['-p tcp -m multiport --dports 22,70:80', 'yes'],
    ['-p tcp -m multiport ! --dports 80', 'no'],
    ['-i eth+', 'yes'],
    ['! -i eth0', 'no'],
    ['-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN', 'yes'],
    ['-p tcp -m tcp --tcp-flags ACK ACK', 'no'],
    ['-m conntrack --ctstate NEW,RELATED', 'yes'],
    ['-m conntrack --ctstate RELATED,ESTABLISHED', 'no'],
    ['-m conntrack ! --ctstate DNAT', 'yes'],
    ['-m state --state INVALID', 'no'],
    ['-m mark --mark 0x1/0x1', 'no'],
    ['-m mark ! --mark 0x1/0x1', 'yes'],
    ['-m addrtype --dst-type LOCAL', 'yes'],
    ['-m addrtype --src-type LOCAL', 'no'],
    ['-m iprange --src-range 10.0.9.1-10.0.9.9', 'yes'],
    ['-m comment --comment "-d 1.2.3.4 \\"x\\""', 'yes'],
    ['-m set --match-set bad src', 'maybe'],
    ['-m limit --limit 5/sec', 'maybe'],
    ['-m owner --uid-owner 0', 'maybe'],
    ['-m socket', 'maybe'],
    ['-d 10.9.0.0/16 -m limit --limit 5/sec', 'no'],
    ['-m recent --rcheck --seconds 60 --name x --mask 255.255.255.255 --rsource', 'maybe'],
    ['-m recent --set --name x --mask 255.255.255.255 --rsource', 'yes'],
  ])('%s: %s', (rule, expected) => {
    expect(match(rule)).toBe(expected);
  });

  it('know a state for packets that are not tracked', () => {
    const untracked = packet({ tracked: false });
    expect(match('-m conntrack --ctstate UNTRACKED', untracked)).toBe('yes');
    expect(match('-m conntrack --ctstate NEW', untracked)).toBe('no');
  });

  it('leave open what hangs on a source that is not known', () => {
    expect(match('-s 10.0.0.0/8', packet({ source: undefined }))).toBe('maybe');
  });
});

describe('the walk through iptables chains', () => {
  it('gives each instance the product of the chances before it', () => {
    const found = ends(
      table([
        '[0:0] -A PREROUTING -j SLUICE-ENTRIES',
        '[0:0] -A SLUICE-ENTRIES -p tcp -g S',
        '[0:0] -A S -p tcp -m statistic --mode random --probability 0.70000000019 -j DNAT --to-destination c',
        '[0:0] -A S -p tcp -m statistic --mode random --probability 0.66666666651 -j DNAT --to-destination b',
        '[0:0] -A S -p tcp -j DNAT --to-destination a',
      ]),
    );
    expect(found['c']).toBeCloseTo(0.7, 8);
    expect(found['b']).toBeCloseTo(0.2, 8);
    expect(found['a']).toBeCloseTo(0.1, 8);
  });

  it('comes back from a jump to the next rule, and from a goto to the one before', () => {
    const found = ends(
      table([
        '[0:0] -A PREROUTING -m statistic --mode nth --every 4 --packet 0 -g AWAY',
        '[0:0] -A PREROUTING -j SUB',
        '[0:0] -A PREROUTING -j DNAT --to-destination last',
        '[0:0] -A AWAY -p udp -j DROP',
        '[0:0] -A SUB -m statistic --mode random --probability 0.5 -j RETURN',
        '[0:0] -A SUB -j DNAT --to-destination sub',
      ]),
    );
    expect(found).toEqual({ accept: 0.25, last: 0.375, sub: 0.375 });
  });

  it('remembers marks that rules set', () => {
    const rules = [
      '[0:0] -A PREROUTING -m statistic --mode random --probability 0.5 -j MARK --set-xmark 0x4/0x4',
      '[0:0] -A PREROUTING -m mark --mark 0x4/0x4 -j DROP',
      '[0:0] -A PREROUTING -m mark --mark 0x4 -j ACCEPT',
    ];
    expect(ends(table(rules))).toEqual({ drop: 0.5, accept: 0.5 });
  });

  it('survives chains that call themselves', () => {
    expect(ends(table(['[0:0] -A PREROUTING -j A', '[0:0] -A A -j A']))).toEqual({ accept: 1 });
  });

  it('finds the shares of any ruleset of ours', () => {
    fc.assert(
      fc.property(rulesArbitrary, (rules) => {
        const family = rules.entry.ip.includes(':') ? 'ipv6' : 'ipv4';
        const text = printRules(rulesetFrom([rules])).split(/^# ipv6.*\n/m)[family === 'ipv4' ? 0 : 1] ?? '';
        // A restore text inserts its hooks; a listing shows them.
        const listing = text
          .replace('*nat\n', '*nat\n:PREROUTING ACCEPT [0:0]\n')
          .replaceAll(/^-I (PREROUTING|OUTPUT|POSTROUTING)/gm, '-A $1');
        const [found] = readIptables(listing, { owner: 'iptables-nft', family });
        if (found === undefined) throw new Error('no table');
        const { ip, port, protocol } = rules.entry;
        const own = ends(found, packet({ family, protocol, destination: ip, port, original: { ip, port } }));
        const sum = rules.targets.reduce((total, { weight }) => total + weight, 0);
        const passing = sum === 0 ? 1 : 0;
        expect(own['accept'] ?? 0).toBe(passing);
        for (const target of rules.targets) {
          const name = `${family === 'ipv6' ? `[${target.ip}]` : target.ip}:${target.port}`;
          expect(own[name] ?? 0).toBeCloseTo(target.weight / sum, 6);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('listings of iptables', () => {
  it('tell counters and the command that removes a rule', () => {
    const [rule] =
      table(['[12:720] -A PREROUTING -p tcp -m comment --comment "a b" -j DROP'])
        .chains.get('PREROUTING')
        ?.rules() ?? [];
    expect(rule).toMatchObject({
      packets: 12,
      remove: 'iptables-nft -t nat -D PREROUTING -p tcp -m comment --comment "a b" -j DROP',
    });
  });

  it('name tables that iptables cannot print', () => {
    expect(incompatibleTables("# Table `nat' is incompatible, use 'nft' tool.\n*filter\nCOMMIT\n")).toEqual([
      'nat',
    ]);
  });

  it.each([
    ['10.0.1.11:8080', { ip: '10.0.1.11', port: 8080 }],
    ['10.0.1.11', { ip: '10.0.1.11', port: undefined }],
    ['[fd00::1]:80', { ip: 'fd00::1', port: 80 }],
    [':81', { ip: undefined, port: 81 }],
    ['10.0.0.1-10.0.0.9:80-90', { ip: undefined, port: undefined }],
  ])('read the destination %s', (text, place) => {
    expect(destinationOf(text)).toEqual(place);
  });
});
