/** Owns what every Dataplane must do; run on the model in memory and on real kernels. */
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseEntry } from '../../src/model/entry.ts';
import type { Dataplane, LocalFacts } from '../../src/dataplane/dataplane.ts';
import type { EntryRules, Ruleset } from '../../src/rules/ruleset.ts';
import { rulesetArbitrary, rulesetFrom } from '../rules/arbitrary.ts';

/** A kernel, real or modelled, that data planes are opened on. */
export interface KernelUnderTest {
  /** A data plane as a fresh agent process opens it on this kernel. */
  readonly open: () => Promise<Dataplane>;
  /** A foreign program's doing: iptables commands of the nat table, IPv4. */
  readonly foreign: (commands: readonly string[]) => Promise<void>;
  /** Everything that could be ours or is foreign: the whole nat table as `iptables-save` prints it, or all of nft, without counters. */
  readonly listing: () => Promise<string>;
  readonly layout: LayoutUnderTest;
  /** What the node has; its IPv4 address must be on it. */
  readonly facts: LocalFacts;
  readonly close: () => Promise<void>;
}

/** What differs between layouts: how much is written, and what strangers can do to it. */
export interface LayoutUnderTest {
  /** Of a first apply of one entry with two instances, and of the rewrite of one entry with four. */
  readonly firstApply: { readonly chainsChanged: number; readonly rulesWritten: number };
  /** Removes a jump, empties a chain, adds a rule. */
  readonly damage: (kernel: KernelUnderTest) => Promise<void>;
  /** What is written to mend that. */
  readonly mended: { readonly chainsChanged: number; readonly rulesWritten: number };
  /** Removes all rules and chains of ours. */
  readonly wipe: (kernel: KernelUnderTest) => Promise<void>;
  /** Lines of a listing that are not ours. */
  readonly withoutOurs: (listing: string) => string;
  /** What the listing must hold: we are asked before foreign rules. */
  readonly first: RegExp;
  /** Mixes something foreign into what is ours, and takes it out again. */
  readonly mixIn: (kernel: KernelUnderTest) => Promise<() => Promise<void>>;
  readonly mixedIn: string;
}

/** The iptables layout. */
export const IPTABLES_LAYOUT: LayoutUnderTest = {
  firstApply: { chainsChanged: 5, rulesWritten: 10 },
  damage: async ({ foreign }) =>
    foreign(['-D PREROUTING -j SLUICE-ENTRIES', '-F SLUICE-POST', '-I OUTPUT -j SLUICE-ENTRIES']),
  mended: { chainsChanged: 1, rulesWritten: 3 },
  wipe: async ({ foreign, listing }) => {
    const ours = (await listing()).match(/^:SLUICE-\S+/gm)?.map((text) => text.slice(1)) ?? [];
    await foreign([
      ...['PREROUTING', 'OUTPUT', 'POSTROUTING', ...ours].map((chain) => `-F ${chain}`),
      ...ours.map((chain) => `-X ${chain}`),
    ]);
  },
  withoutOurs: (listing) =>
    listing
      .split('\n')
      .filter((line) => !line.includes('SLUICE-'))
      .join('\n'),
  first: /^-A PREROUTING -j SLUICE-ENTRIES\n-A PREROUTING -j DOCKER$/m,
  mixIn: async ({ foreign }) => {
    await foreign(['-A POSTROUTING -s 10.9.9.9/32 -j SLUICE-POST']);
    return async () => foreign(['-D POSTROUTING -s 10.9.9.9/32 -j SLUICE-POST']);
  },
  mixedIn: 'a foreign rule refers to a chain of sluice: -A POSTROUTING -s 10.9.9.9/32 -j SLUICE-POST',
};

/** Rules of an entry with instances of these weights. */
export function webRules(entry: string, weights: readonly number[], masquerade = false): EntryRules {
  const parsed = parseEntry(entry);
  const ip = (at: number): string => (parsed.ip.includes(':') ? `fd99::${at + 1}` : `10.200.0.${at + 1}`);
  const targets = weights.map((weight, at) => ({ ip: ip(at), port: 8080, weight }));
  return { entry: parsed, service: 'web', masquerade, targets };
}

const services = (count: number): readonly EntryRules[] =>
  Array.from({ length: count }, (_, at) => webRules(`10.96.${at >> 8}.${at & 255}:80`, [1, 2, 7]));

/** Two entries with session affinity, and one without. */
const sticky = (seconds: number | undefined): readonly EntryRules[] => [
  { ...webRules('10.96.0.1:80', [1, 2, 7]), affinitySeconds: seconds },
  { ...webRules('[fd00::10]:80', [1, 2]), affinitySeconds: seconds },
  webRules('10.96.0.2:80', [1]),
];

/** Runs the suite. */
export function dataplaneContract(name: string, openKernel: () => Promise<KernelUnderTest>): void {
  describe(`a data plane on ${name}`, { timeout: 60_000 }, () => {
    let kernel: KernelUnderTest;
    let plane: Dataplane;
    const apply = (entries: readonly EntryRules[]): ReturnType<Dataplane['apply']> =>
      plane.apply(rulesetFrom(entries), kernel.facts);
    beforeAll(async () => {
      kernel = await openKernel();
      plane = await kernel.open();
    });
    afterAll(async () => kernel.close());

    it('says what it sent, and sends nothing for a ruleset that is there already', async () => {
      const first = await apply([webRules('10.96.0.1:80', [1, 1])]);
      expect(first).toMatchObject({
        ...kernel.layout.firstApply,
        routesChanged: 1,
        unchanged: false,
        failures: [],
      });
      const again = await apply([webRules('10.96.0.1:80', [1, 1])]);
      expect(again).toMatchObject({ chainsChanged: 0, rulesWritten: 0, routesChanged: 0, unchanged: true });
      expect(again.rulesHash).toBe(first.rulesHash);
    });

    it('rewrites exactly the chain of the service that got an instance, among 1,000', async () => {
      await apply(services(1000));
      const other = services(1000).map((rules, at) =>
        at === 500 ? webRules('10.96.1.244:80', [1, 2, 7, 4]) : rules,
      );
      const report = await apply(other);
      expect(report).toMatchObject({ chainsChanged: 1, chainsRemoved: 0, rulesWritten: 4, routesChanged: 0 });
    });

    it('removes the chains and routes of services that are gone', async () => {
      const report = await apply(services(3));
      expect(report.chainsRemoved).toBeGreaterThanOrEqual(997);
      expect(report).toMatchObject({ routesChanged: 997, failures: [] });
      expect(await plane.dump()).not.toContain('10.96.0.3');
    });

    it('is taken over by a fresh agent without a change, with the same hash and dump', async () => {
      const entries = [
        ...services(40),
        webRules('[fd00::10]:80/udp', [1, 2]),
        webRules('10.97.0.1:53/udp', [1], true),
      ];
      const report = await apply(entries);
      const fresh = await kernel.open();
      await fresh.adopt();
      const taken = await fresh.apply(rulesetFrom(structuredClone(entries)), kernel.facts);
      expect(taken).toMatchObject({ unchanged: true, rulesWritten: 0 });
      expect(taken.rulesHash).toBe(report.rulesHash);
      expect(await fresh.dump()).toBe(await plane.dump());
    });

    it('reads every ruleset back as it was written, and after any history holds what a fresh kernel would', async () => {
      const fresh = await openKernel();
      const rulesets = fc.sample(rulesetArbitrary(25), { seed: 51, numRuns: 6 });
      const last: Ruleset = rulesets.at(-1) ?? { entries: [] };
      for (const ruleset of rulesets) {
        await plane.apply(ruleset, kernel.facts);
        await plane.adopt();
        expect(await plane.apply(structuredClone(ruleset), kernel.facts)).toMatchObject({ unchanged: true });
      }
      const other = await fresh.open();
      await other.apply(last, fresh.facts);
      expect(await plane.dump()).toBe(await other.dump());
      await fresh.close();
    });

    it('puts back what somebody removed, once it has looked', async () => {
      const { rulesHash } = await apply(services(20));
      const whole = await plane.dump();
      await kernel.layout.damage(kernel);
      expect(await plane.dump()).not.toBe(whole);
      await plane.adopt();
      const report = await apply(services(20));
      expect(report).toMatchObject({ unchanged: false, ...kernel.layout.mended, rulesHash });
      expect(await plane.dump()).toBe(whole);
    });

    it('looks again and repairs everything when an update is refused because the rules are gone', async () => {
      await apply(services(20));
      const whole = await plane.dump();
      await kernel.layout.wipe(kernel);
      const report = await apply(services(19));
      expect(report.chainsChanged).toBeGreaterThan(19);
      await apply(services(20));
      expect(await plane.dump()).toBe(whole);
    });

    it('never touches foreign chains and rules, and cleans up after itself', async () => {
      await plane.cleanup();
      await kernel.foreign([
        '-N DOCKER',
        '-A PREROUTING -j DOCKER',
        '-A DOCKER -i docker0 -j RETURN',
        '-A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE',
      ]);
      const before = await kernel.listing();
      await apply(services(30));
      await apply(services(10));
      const during = await kernel.listing();
      expect(kernel.layout.withoutOurs(during)).toBe(before);
      expect(during).toMatch(kernel.layout.first);
      await (await kernel.open()).cleanup();
      expect(await kernel.listing()).toBe(before);
      expect(await plane.dump()).toBe('');
    });

    it('reports what somebody mixed into ours', async () => {
      await plane.adopt();
      await apply(services(1));
      const takeOut = await kernel.layout.mixIn(kernel);
      await plane.adopt();
      const { failures } = await apply(services(1));
      expect(failures).toEqual([kernel.layout.mixedIn]);
      await takeOut();
    });

    it('sends nothing of a ruleset with a value that the grammar does not know', async () => {
      await plane.adopt();
      await apply(services(2));
      const before = await kernel.listing();
      const hostile = {
        ...webRules('10.96.0.1:80', []),
        targets: [{ ip: '10.0.0.1 -j ACCEPT', port: 80, weight: 1 }],
      };
      await expect(apply([hostile])).rejects.toMatchObject({ code: 'internal' });
      expect(await kernel.listing()).toBe(before);
    });

    it('keeps session affinity like everything else, sets and takes it back', async () => {
      await plane.adopt();
      await apply(sticky(undefined));
      const without = await plane.dump();
      for (const seconds of [10_800, 60, 5_400]) {
        await apply(sticky(seconds));
        await plane.adopt();
        expect(await apply(sticky(seconds))).toMatchObject({ unchanged: true, failures: [] });
      }
      expect(await apply(sticky(undefined))).toMatchObject({ unchanged: false });
      expect(await plane.dump()).toBe(without);
    });

    it('makes no route for an entry on an address of the node, nor where the node has none, and says so', async () => {
      await apply([]);
      const own = kernel.facts.nodeIpv4 ?? '';
      const report = await plane.apply(
        rulesetFrom([
          webRules(`${own}:80`, [1]),
          webRules('10.96.0.1:80', [1]),
          webRules('[fd00::10]:80', [1]),
        ]),
        { nodeIpv4: own },
      );
      expect(report.failures).toEqual([
        `no route to entry ${own}: it is an address of this node itself`,
        'no route to entry fd00::10: this node has no IPv6 address to reach it from',
      ]);
      expect(report.routesChanged).toBe(1);
      expect((await plane.dump()).match(/^route .*/gm)).toHaveLength(1);
    });
  });
}
