import { describe, expect, it } from 'vitest';
import {
  type Commit,
  commitReader,
  goneRoute,
  tellingEvents,
  touchesUs,
} from '../../src/rules/foreign-commit.ts';

function commits(text: string): readonly Commit[] {
  const read = commitReader();
  return text.split('\n').flatMap((line) => read(line) ?? []);
}

/** A commit of the lines that the program prints for events. */
function commit(...events: readonly string[]): Commit {
  const [found] = commits([...events.map((event) => `event ${event}`), 'commit 7 nft'].join('\n'));
  if (found === undefined) throw new Error('not read');
  return found;
}

describe('what the watch of tables prints', () => {
  it('is one commit a generation, with its events and who did it', () => {
    const text = [
      'ready',
      'event del rule ip nat OUTPUT ours',
      'commit 1995 iptables-nft',
      'commit 2004 a b',
      'event new chain ip filter FORWARD drop',
      'event del table inet sluice_guard sluice_guard ours,drop',
      'commit 2032 nft',
    ].join('\n');
    const plain = { isOurs: false, drops: false };
    expect(commits(text)).toEqual([
      {
        by: 'iptables-nft',
        pid: 1995,
        events: [{ ...plain, action: 'del', what: 'rule', table: 'ip nat', name: 'OUTPUT', isOurs: true }],
      },
      { by: 'a b', pid: 2004, events: [] },
      {
        by: 'nft',
        pid: 2032,
        events: [
          { ...plain, action: 'new', what: 'chain', table: 'ip filter', name: 'FORWARD', drops: true },
          {
            action: 'del',
            what: 'table',
            table: 'inet sluice_guard',
            name: 'sluice_guard',
            isOurs: true,
            drops: true,
          },
        ],
      },
    ]);
  });

  it.each([
    [true, 'del rule ip nat OUTPUT ours'],
    [true, 'new rule ip6 nat SLUICE-TCP ours'],
    [true, 'del element inet sluice_guard entries4 ours'],
    [true, 'del chain ip nat OUTPUT -'],
    [true, 'del chain ip nat * -'],
    [true, 'del table ip nat nat -'],
    [true, 'new chain ip filter FORWARD drop'],
    [false, 'new chain ip filter FORWARD -'],
    [false, 'new chain inet filter FORWARD drop'],
    [false, 'new rule ip nat PREROUTING -'],
    [false, 'del rule ip nat PREROUTING -'],
    [false, 'del chain ip filter FORWARD -'],
    [false, 'del table ip filter filter -'],
  ] as const)('touches ours (%s): %s', (touches, event) => {
    expect(touchesUs(commit(event))).toBe(touches);
    expect(touchesUs(commit('new rule ip filter INPUT -', event))).toBe(touches);
  });

  it('is told by what touched ours', () => {
    const read = commit(
      'del chain ip nat DOCKER -',
      'del chain ip nat SLUICE-TCP ours',
      'del rule ip nat OUTPUT ours',
    );
    expect(tellingEvents(read, 1)).toEqual(['deleted chain SLUICE-TCP of ip nat']);
    expect(tellingEvents(read, 5)).toEqual([
      'deleted chain SLUICE-TCP of ip nat',
      'deleted rule in OUTPUT of ip nat',
    ]);
    expect(tellingEvents(commit('new table ip x x -'), 5)).toEqual(['new table ip x']);
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
