import { describe, expect, it } from 'vitest';
import { readNft } from '../../../src/rules/explain/nft-json.ts';
import { ruleText } from '../../../src/rules/explain/nft-text.ts';
import type { LiveTable } from '../../../src/rules/explain/live.ts';
import type { Certainty } from '../../../src/rules/explain/packet.ts';
import { ends, packet } from './world.ts';

const AT = { family: 'ip', table: 't' };
const payload = (protocol: string, field: string): object => ({ payload: { protocol, field } });
const match = (left: object, right: unknown, op = '=='): object => ({ match: { op, left, right } });
const draw = (mod: number, offset = 0): object => ({ numgen: { mode: 'inc', mod, offset } });
const dnat = (addr: unknown, port?: number): object => ({
  dnat: { addr, ...(port === undefined ? {} : { port }) },
});

/** A table as `nft -j` prints it: chains with rules, and more objects. */
function table(
  chains: Readonly<Record<string, readonly (readonly object[])[]>>,
  more: readonly object[] = [],
): LiveTable {
  const base = { type: 'nat', hook: 'prerouting', prio: -105, policy: 'accept' };
  const listing = {
    nftables: [
      { metainfo: {} },
      ...more,
      ...Object.keys(chains).map((name) => ({ chain: { ...AT, name, ...(name === 'pre' ? base : {}) } })),
      ...Object.entries(chains).flatMap(([chain, rules]) =>
        rules.map((expr, index) => ({ rule: { ...AT, chain, handle: index + 7, expr } })),
      ),
    ],
  };
  const [found] = readNft(listing, 'ipv4');
  if (found === undefined) throw new Error('no table');
  return found;
}

describe('the walk through native nftables', () => {
  it('finds the chain in a verdict map and the shares in its numgen rules', () => {
    const key = { concat: [payload('ip', 'daddr'), { meta: { key: 'l4proto' } }, payload('th', 'dport')] };
    const map = {
      map: {
        ...AT,
        name: 'entries',
        map: 'verdict',
        elem: [
          [{ concat: ['10.96.0.9', 'tcp', 80] }, { goto: { target: 'other' } }],
          [
            { elem: { val: { concat: ['10.96.0.10', 'tcp', 80] }, comment: 'web' } },
            { goto: { target: 's1' } },
          ],
        ],
      },
    };
    const tcp = match({ meta: { key: 'l4proto' } }, 'tcp');
    const found = table(
      {
        pre: [[{ vmap: { key, data: '@entries' } }]],
        other: [[{ drop: null }]],
        s1: [
          [match(draw(10), 7, '<'), tcp, { counter: { packets: 5, bytes: 1 } }, dnat('10.0.1.13', 8080)],
          [match(draw(3), 2, '<'), tcp, { counter: { packets: 2, bytes: 1 } }, dnat('10.0.1.12', 8080)],
          [tcp, dnat('10.0.1.11', 8080)],
        ],
      },
      [map],
    );
    expect(ends(found)).toEqual({ '10.0.1.13:8080': 0.7, '10.0.1.12:8080': 0.2, '10.0.1.11:8080': 0.1 });
    expect(ends(found, packet({ port: 81 }))).toEqual({ accept: 1 });
    expect(found.chains.get('s1')?.rules()[0]).toMatchObject({
      packets: 5,
      remove: 'nft delete rule ip t s1 handle 7',
    });
  });

  it('knows protocols by their number, as nft prints them on a node without /etc/protocols', () => {
    const found = table({
      pre: [
        [match({ meta: { key: 'l4proto' } }, 17), { drop: null }],
        [match({ meta: { key: 'l4proto' } }, 6), dnat('10.0.1.11', 8080)],
      ],
    });
    expect(ends(found)).toEqual({ '10.0.1.11:8080': 1 });
  });

  it.each([
    ['below, with an offset', match(draw(4, 1), 3, '<'), 0.5],
    ['not equal', match(draw(1000), 5, '!='), 0.999],
    ['in a set of ranges', match(draw(10), { set: [0, { range: [4, 6] }] }), 0.4],
    ['at least', match({ numgen: { mode: 'random', mod: 8, offset: 0 } }, 6, '>='), 0.25],
  ])('knows the chance of a draw %s', (_title, expression, chance) => {
    expect(ends(table({ pre: [[expression, { drop: null }]] }))['drop']).toBeCloseTo(chance, 9);
  });

  it('splits by a verdict map over a draw, as kube-proxy writes it, and by a map of addresses', () => {
    const data = {
      set: [
        [0, { goto: { target: 'a' } }],
        [{ range: [1, 3] }, { goto: { target: 'b' } }],
      ],
    };
    const byMap = {
      map: {
        key: draw(4),
        data: {
          set: [
            [0, '1.1.1.1'],
            [{ range: [1, 3] }, '2.2.2.2'],
          ],
        },
      },
    };
    const found = table({
      pre: [[match(draw(2), 0), { vmap: { key: draw(4), data } }], [dnat(byMap)]],
      a: [[dnat('10.0.0.1')]],
      b: [[dnat('10.0.0.2')]],
    });
    expect(ends(found)).toEqual({ '10.0.0.1': 0.125, '10.0.0.2': 0.375, '1.1.1.1': 0.125, '2.2.2.2': 0.375 });
  });

  it.each<readonly [string, object, Certainty]>([
    [
      'an address in a set of prefixes',
      match(payload('ip', 'saddr'), { set: [{ prefix: { addr: '10.0.0.0', len: 8 } }] }),
      'yes',
    ],
    ['a named set', match(payload('tcp', 'dport'), '@ports'), 'yes'],
    ['a named set that is not there', match(payload('tcp', 'dport'), '@gone'), 'maybe'],
    ['another protocol', match(payload('udp', 'dport'), 80), 'no'],
    ['another family', match(payload('ip6', 'daddr'), 'fd00::1'), 'no'],
    ['a state', match({ ct: { key: 'state' } }, ['established', 'new'], 'in'), 'yes'],
    ['no state', match({ ct: { key: 'state' } }, 'new', '!'), 'no'],
    ['flags of the first packet', match({ '&': [payload('tcp', 'flags'), ['syn', 'ack']] }, 'syn'), 'yes'],
    ['a device by its pattern', match({ meta: { key: 'iifname' } }, 'eth*'), 'yes'],
    ['a local address', match({ fib: { result: 'type', flags: ['daddr'] } }, 'local'), 'yes'],
    ['a bit of the mark', match({ '&': [{ meta: { key: 'mark' } }, 255] }, 5), 'no'],
    ['the user of a socket', match({ meta: { key: 'skuid' } }, 0), 'maybe'],
    ['a rate', { limit: { rate: 5, per: 'second' } }, 'maybe'],
    ['an extension of iptables', { xt: { type: 'match', name: 'owner' } }, 'maybe'],
  ])('holds %s against the packet', (_title, expression, expected) => {
    const sets = [{ set: { ...AT, name: 'ports', elem: [{ range: [70, 90] }] } }];
    const [rule] =
      table({ pre: [[expression, { drop: null }]] }, sets)
        .chains.get('pre')
        ?.rules() ?? [];
    expect(rule?.evaluate(packet()).match).toBe(expected);
  });

  it('sets marks and forgets tracking', () => {
    const mark = {
      mangle: { key: { meta: { key: 'mark' } }, value: { '|': [{ meta: { key: 'mark' } }, 4] } },
    };
    const [rule] =
      table({ pre: [[mark, { notrack: null }]] })
        .chains.get('pre')
        ?.rules() ?? [];
    expect(rule?.evaluate(packet()).packet).toMatchObject({ mark: 4, tracked: false });
  });

  it('writes rules as people know them', () => {
    expect(
      ruleText([match(draw(10), 7, '<'), { counter: { packets: 1, bytes: 2 } }, dnat('10.0.1.13', 8080)]),
    ).toBe('numgen inc mod 10 < 7 dnat to 10.0.1.13:8080');
  });
});
