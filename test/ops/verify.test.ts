import { describe, expect, it } from 'vitest';
import { publish } from '../../src/ops/publish.ts';
import { type InstalledReader, verify, type VerifyDeps } from '../../src/ops/verify.ts';
import type { Comparison, Difference, TallyKind } from '../../src/rules/verify/comparison.ts';
import { failure, spec, world } from './world.ts';

const DIFFERENT: Difference = {
  part: 'rules',
  chain: 'SLUICE-S-x',
  service: 'web',
  missing: ['-A x'],
  unwanted: [],
  fix: 'restart',
};
const TURNS: TallyKind = { kind: 'turns', slack: [2, 2, 2], skewMs: 0 };
const SHARES = [0.7, 0.2, 0.1];

/** What one look finds: counts of web's rules, and what differs. */
interface Look {
  readonly counts?: readonly number[];
  readonly differences?: readonly Difference[];
  /** Default: by chance. */
  readonly how?: TallyKind;
}

/** A node whose looks come one after the other; the last one stays. */
async function node(
  looks: readonly Look[],
  beside: readonly Difference[] = [],
): Promise<VerifyDeps & { looked: number }> {
  const { store, ann } = world();
  await publish(ann, [spec('web', '10.96.0.10:80'), spec('api', '10.96.0.11:80')]);
  const deps = {
    store,
    clock: { ...ann.clock, sleep: async () => {} },
    readSaved: async () => undefined,
    looked: 0,
    readInstalled: async (): Promise<InstalledReader> => {
      const {
        counts = [0, 0, 0],
        differences = [],
        how = { kind: 'chance' },
      } = looks[Math.min(deps.looked, looks.length - 1)] ?? {};
      deps.looked += 1;
      return {
        layout: 'iptables-nft',
        isNode: true,
        beside: () => beside,
        compare: (ruleset, family): Comparison => {
          const entry = ruleset.entries[0]?.entry;
          if (family === 'ipv6' || entry === undefined) return { differences: [], tallies: [] };
          const connections = counts.reduce((sum, count) => sum + count, 0);
          const tally = { entry, service: 'web', connections, counts, shares: SHARES, how };
          return { differences, tallies: [tally] };
        },
      };
    },
  };
  return deps;
}

describe('verify', () => {
  it('finds a node well whose rules are right and whose counts fit', async () => {
    const report = await verify(await node([{ counts: [701, 199, 100] }]));
    expect(report).toMatchObject({ layout: 'iptables-nft', rulesOk: true, spreadOk: true });
    expect(report.items.map(({ service }) => service)).toEqual([null, 'api', 'web']);
    expect(report.items[2]).toMatchObject({ connections: 1000, spread: 'fits', rules: 'ok' });
    expect(report.items[2]?.p).toBeGreaterThan(0.9);
  });

  it.each([
    ['off', [600, 300, 100]],
    ['too-few', [7, 2, 1]],
    ['too-few', [0, 0, 0]],
  ] as const)('calls a spread %s', async (expected, counts) => {
    const report = await verify(await node([{ counts }]));
    expect(report.items[2]?.spread).toBe(expected);
    expect(report.spreadOk).toBe(expected !== 'off');
  });

  it('lets an agent that is about to apply finish', async () => {
    const deps = await node([{ differences: [DIFFERENT] }, {}]);
    expect((await verify(deps)).rulesOk).toBe(true);
    expect(deps.looked).toBe(2);
  });

  it('tells what stays different, with its service', async () => {
    const deps = await node([
      { differences: [DIFFERENT, { ...DIFFERENT, chain: 'OUTPUT', service: undefined }] },
    ]);
    const report = await verify(deps);
    expect(report.rulesOk).toBe(false);
    expect(report.items.map(({ service, rules }) => [service, rules])).toEqual([
      [null, 'differ'],
      ['api', 'ok'],
      ['web', 'differ'],
    ]);
    expect(deps.looked).toBe(4);
  });

  it('counts only the time of a sample, unless the chain was written anew in it', async () => {
    const counted = await verify(await node([{ counts: [7000, 0, 0] }, { counts: [7070, 20, 10] }]), {
      sampleMs: 5,
    });
    expect(counted.items[2]).toMatchObject({ connections: 100, spread: 'fits' });
    const anew = await verify(await node([{ counts: [7000, 0, 0] }, { counts: [70, 20, 10] }]), {
      sampleMs: 5,
    });
    expect(anew.items[2]).toMatchObject({ connections: 100 });
  });

  it.each([
    ['fits', [702, 199, 99], 5],
    ['off', [710, 190, 100], 5],
    ['fits', [702, 199, 99], undefined],
    ['unsampled', [710, 190, 100], undefined],
  ] as const)(
    'calls counts of turns %s within a few connections: %j, sample %s',
    async (expected, counts, sampleMs) => {
      const looks = [
        { how: TURNS, ...(sampleMs === undefined ? { counts } : {}) },
        { how: TURNS, counts },
      ];
      const report = await verify(await node(looks), { sampleMs });
      expect(report.items[2]).toMatchObject({ connections: 1000, p: null, spread: expected });
      expect(report.spreadOk).toBe(expected !== 'off');
    },
  );

  it('allows turns what came while the counters were read', async () => {
    const how = { ...TURNS, skewMs: 1 } as const;
    const read = await node([{ how }, { how, counts: [710, 190, 100] }]);
    expect((await verify(read, { sampleMs: 200 })).items[2]?.spread).toBe('fits');
  });

  it('does not hold clients that stay with their instance against shares', async () => {
    const report = await verify(await node([{ how: { kind: 'clients' }, counts: [900, 0, 0] }]));
    expect(report.items[2]).toMatchObject({ connections: 900, spread: 'clients' });
  });

  it('tells what differs beside the rules, under what all share', async () => {
    const guard: Difference = { ...DIFFERENT, part: 'guard', chain: 'table g', service: undefined };
    const report = await verify(await node([{}], [guard]));
    expect(report.rulesOk).toBe(false);
    expect(report.items[0]).toMatchObject({ service: null, rules: 'differ', differences: [guard] });
  });

  it('does not know a service that is not there', async () => {
    const error = await failure(verify(await node([{}]), { service: 'wbe' }));
    expect([error.code, error.why]).toEqual(['not-found', 'did you mean web?']);
  });
});
