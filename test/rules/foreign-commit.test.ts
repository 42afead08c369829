import { describe, expect, it } from 'vitest';
import {
  type Commit,
  commitReader,
  goneRoute,
  tellingEvents,
  touchOf,
} from '../../src/rules/foreign-commit.ts';

/** What xtables-monitor 1.8.9 printed on a real kernel. */
function commits(text: string): readonly Commit[] {
  const read = commitReader();
  return text.split('\n').flatMap((line) => read(line) ?? []);
}

const commit = (...events: readonly string[]): Commit => ({ by: 'nft', pid: 7, events });

describe('what a monitor prints', () => {
  it('is one commit a generation, with its events and who did it', () => {
    const text = [
      ' EVENT: -4 -t nat -D OUTPUT -j SLUICE-ENTRIES',
      'NEWGEN: GENID=7 PID=1995 NAME=iptables-nft',
      'NEWGEN: GENID=8 PID=2004 NAME=a b',
      ' EVENT: ',
      ' EVENT: nft: DEL table: table nat ip flags 0 use 0 handle 4',
      'NEWGEN: GENID=9 PID=2032 NAME=nft',
    ].join('\n');
    expect(commits(text)).toEqual([
      { by: 'iptables-nft', pid: 1995, events: ['-4 -t nat -D OUTPUT -j SLUICE-ENTRIES'] },
      { by: 'a b', pid: 2004, events: [] },
      { by: 'nft', pid: 2032, events: ['', 'nft: DEL table: table nat ip flags 0 use 0 handle 4'] },
    ]);
  });

  it('keeps what matters of a commit without end', () => {
    const events = Array.from({ length: 50_000 }, (_, at) => ` EVENT: -4 -t nat -A KUBE-${at} -j RETURN`);
    const [read] = commits(
      [...events, ' EVENT: -4 -t nat -X SLUICE-TCP', 'NEWGEN: GENID=1 PID=1 NAME=x'].join('\n'),
    );
    expect(read?.events.length).toBeLessThanOrEqual(1_001);
    expect(touchOf(read ?? commit())).toBe('ours');
  });

  it.each([
    ['ours', '-4 -t nat -D OUTPUT -j SLUICE-ENTRIES'],
    ['ours', '-6 -t nat -A SLUICE-TCP -j RETURN'],
    ['ours', '-4 -t nat -X OUTPUT'],
    ['ours', 'nft: DEL table: table nat ip flags 0 use 0 handle 4'],
    ['ours', 'nft: DEL table: table sluice_guard inet flags 0 use 0 handle 3'],
    [
      'ours',
      '# nft: ip filter FORWARD use 3 type filter hook forward prio 0 policy drop packets 0 bytes 0 flags 1',
    ],
    ['none', '-4 -t nat -A PREROUTING -j DOCKER'],
    ['none', '-4 -t filter -X FORWARD'],
    ['none', 'nft: DEL table: table filter ip flags 0 use 0 handle 4'],
    ['unclear', ''],
  ] as const)('touches %s: %s', (touch, event) => {
    expect(touchOf(commit(event))).toBe(touch);
    expect(touchOf(commit('-4 -t filter -A INPUT -j ACCEPT', event))).toBe(touch);
  });

  it('of sets alone, which the monitor does not print, tells nothing', () => {
    expect(touchOf(commit())).toBe('unclear');
  });

  it('is told by what touched ours', () => {
    const read = commit('-4 -t nat -X DOCKER', '-4 -t nat -X SLUICE-TCP', '-4 -t nat -X SLUICE-UDP', '');
    expect(tellingEvents(read, 1)).toEqual(['-4 -t nat -X SLUICE-TCP']);
    expect(tellingEvents(commit('', 'x'), 5)).toEqual(['x']);
  });
});

describe('what a route monitor prints', () => {
  it.each([
    ['Deleted 10.96.0.2 dev sluice0 table local proto 115 scope link src 10.0.0.1 ', '10.96.0.2'],
    ['Deleted local fd00::1 dev lo table local proto 115 metric 1024 pref medium', 'fd00::1'],
    ['Deleted 5: sluice0: <BROADCAST,NOARP> mtu 1500 qdisc noop state DOWN group default', 'sluice0'],
    ['Deleted 6: veth1@if2: <BROADCAST> mtu 1500', undefined],
    ['10.96.0.2 dev sluice0 table local proto 115 scope link src 10.0.0.1 ', undefined],
    ['Deleted default via 10.0.0.1 dev eth0', undefined],
    ['5: sluice0: <BROADCAST,NOARP> mtu 1500', undefined],
  ])('%s', (line, gone) => {
    expect(goneRoute(line)).toBe(gone);
  });
});
