import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AnnounceFacts,
  type AnnouncePlan,
  type AnnouncingNode,
  candidates,
  type Claim,
  planAnnouncing,
} from '../../src/rules/announcement.ts';

const IP = '10.0.0.100';
const fleet = (count: number): AnnounceFacts['networks'] =>
  new Map(
    Array.from({ length: count }, (_, i) => [`n${i + 1}`, [`10.0.0.${i + 1}/24`, `fd00::${i + 1}/64`]]),
  );
const claim = (node: string, lease = `lease of ${node}`): Claim => ({ node, lease, modRevision: 7 });

/** Plan of n1 in a fleet of three, all by default able and alive. */
function plan(
  given: { readonly claim?: Claim; readonly announced?: readonly string[] } & Partial<AnnouncingNode>,
): AnnouncePlan {
  const facts: AnnounceFacts = {
    announced: new Set(given.announced ?? [IP]),
    claims: given.claim === undefined ? new Map() : new Map([[IP, given.claim]]),
    networks: fleet(3),
  };
  const self = { name: 'n1', canAnswer: () => true, lease: 'lease of n1', answers: new Map(), ...given };
  return planAnnouncing(facts, self);
}

describe('the line of nodes for an address', () => {
  it('holds the live nodes on its network, in an order that all nodes compute alike', () => {
    const line = candidates(IP, fleet(5));
    expect(line.toSorted()).toEqual(['n1', 'n2', 'n3', 'n4', 'n5']);
    expect(candidates(IP, new Map([...fleet(5)].toReversed()))).toEqual(line);
    expect(candidates('fd00::100', fleet(2)).toSorted()).toEqual(['n1', 'n2']);
    expect(candidates('10.0.1.100', fleet(5))).toEqual([]);
    expect(candidates(IP, new Map([['n1', []]]))).toEqual([]);
  });

  it('is the same line without a node that goes, for any address and fleet', () => {
    const octet = fc.integer({ min: 1, max: 254 });
    fc.assert(
      fc.property(octet, fc.integer({ min: 1, max: 12 }), fc.nat(11), (last, count, gone) => {
        const ip = `10.0.0.${last}`;
        const node = `n${(gone % count) + 1}`;
        const rest = new Map([...fleet(count)].filter(([name]) => name !== node));
        expect(candidates(ip, rest)).toEqual(candidates(ip, fleet(count)).filter((name) => name !== node));
      }),
      { seed: 1 },
    );
  });

  it('spreads addresses over the nodes', () => {
    const first = Array.from({ length: 200 }, (_, i) => candidates(`10.0.0.${i + 20}`, fleet(4))[0]);
    for (const node of ['n1', 'n2', 'n3', 'n4'])
      expect(first.filter((name) => name === node).length).toBeGreaterThan(25);
  });
});

describe('what a node does about an announced address', () => {
  const rank = candidates(IP, fleet(3)).indexOf('n1');

  it('takes it in its turn if nobody has it, and does not answer before', () => {
    expect(plan({})).toEqual({
      answers: new Map(),
      claims: new Map([[IP, { rank, replaces: 0 }]]),
      releases: new Map(),
    });
  });

  it('answers under a claim of its own, and does nothing else', () => {
    expect(plan({ claim: claim('n1') })).toEqual({
      answers: new Map([[IP, 'held']]),
      claims: new Map(),
      releases: new Map(),
    });
  });

  it.each([
    ['while it is alive', 'lease of n1'],
    ['when its own lease is lost', undefined],
  ])('is silent when another node has the claim, %s', (_title, lease) => {
    const answers = new Map([[IP, 'kept' as const]]);
    expect(plan({ claim: claim('n2'), lease, answers })).toEqual({
      answers: new Map(),
      claims: new Map(),
      releases: new Map(),
    });
  });

  it('goes on without its lease, whatever becomes of the claim, but does not begin', () => {
    const answers = new Map([[IP, 'held' as const]]);
    for (const known of [{ claim: claim('n1') }, {}]) {
      expect(plan({ ...known, lease: undefined, answers }).answers).toEqual(new Map([[IP, 'kept']]));
      expect(plan({ ...known, lease: undefined }).answers).toEqual(new Map());
      expect(plan({ ...known, lease: undefined, answers }).claims).toEqual(new Map());
    }
  });

  it('takes its claim over from its own earlier life at once, and what it answers for before others', () => {
    expect(plan({ claim: claim('n1', 'old lease') }).claims).toEqual(
      new Map([[IP, { rank: 0, replaces: 7 }]]),
    );
    const answers = new Map([[IP, 'kept' as const]]);
    expect(plan({ answers }).claims).toEqual(new Map([[IP, { rank: 0, replaces: 0 }]]));
  });

  it.each([
    ['is not announced any more', { announced: [] }],
    ['cannot be answered for any more', { canAnswer: () => false }],
  ])('gives its claim up when the address %s', (_title, given) => {
    const answers = new Map([[IP, 'held' as const]]);
    expect(plan({ claim: claim('n1'), answers, ...given })).toEqual({
      answers: new Map(),
      claims: new Map(),
      releases: new Map([[IP, 7]]),
    });
    expect(plan({ claim: claim('n2'), ...given }).releases).toEqual(new Map());
  });

  it('does not line up when it is on no network of the address by its own facts', () => {
    const facts = { announced: new Set([IP]), claims: new Map(), networks: new Map([['n1', []]]) };
    const self = { name: 'n1', canAnswer: () => true, lease: 'l', answers: new Map() };
    expect(planAnnouncing(facts, self).claims).toEqual(new Map());
  });
});
