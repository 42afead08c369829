/** Whatever way a ruleset was reached by updates, everything made from it is what a fresh start would make. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeInstance, encodeService } from '../../src/model/records-service.ts';
import { createRenderer } from '../../src/rules/iptables/render.ts';
import { hairpinIps } from '../../src/rules/nftables/hairpin-ips.ts';
import { createRenderer as createNftRenderer } from '../../src/rules/nftables/render.ts';
import { createRulesHash, rulesHash } from '../../src/rules/rules-hash.ts';
import { createRulesetMaker, rulesetOf } from '../../src/rules/ruleset-of.ts';
import { changedItems } from '../../src/rules/changed-items.ts';
import { snapshotOf, updateSnapshot } from '../../src/store/snapshot.ts';
import type { StoreEvent } from '../../src/store/store.ts';

const CREATED = '2026-01-01T00:00:00.000Z';
const serviceJson = (name: string, entry: number): string =>
  encodeService({
    name,
    origin: 'static',
    masquerade: entry % 3 === 0,
    createdAt: CREATED,
    entries: [
      {
        ip: entry % 5 === 0 ? `fd00::${entry + 1}` : `10.96.${entry >> 4}.${entry}`,
        port: 80,
        protocol: entry % 4 === 0 ? 'udp' : 'tcp',
      },
    ],
  });
const instanceJson = (service: string, ip: string, weight: number): string =>
  encodeInstance({
    service,
    id: `${ip}:80`,
    ip,
    port: 80,
    weight,
    origin: 'static',
    state: 'ready',
    createdAt: CREATED,
  });

/** A change of one of a few keys, so that services come, go, change and claim each other's entries. */
const changeArbitrary = fc.oneof(
  fc.record({ kind: fc.constant('service' as const), service: fc.nat(40), entry: fc.nat(60) }),
  fc.record({ kind: fc.constant('gone' as const), service: fc.nat(40) }),
  fc.record({
    kind: fc.constant('instance' as const),
    service: fc.nat(40),
    at: fc.nat(3),
    weight: fc.nat(4),
  }),
  fc.record({ kind: fc.constant('instance gone' as const), service: fc.nat(40), at: fc.nat(3) }),
);
type Change = typeof changeArbitrary extends fc.Arbitrary<infer C> ? C : never;

function eventOf(change: Change, revision: number): StoreEvent {
  const service = `s${change.service}`;
  const put = (key: string, value: string): StoreEvent => ({
    kind: 'put',
    item: { key, value, createRevision: revision, modRevision: revision, version: 1 },
  });
  if (change.kind === 'service') return put(`service/${service}`, serviceJson(service, change.entry));
  if (change.kind === 'gone') return { kind: 'delete', key: `service/${service}`, revision };
  const ip = `10.200.0.${change.at + 1}`;
  const key = `instance/${service}/${ip}:80`;
  return change.kind === 'instance'
    ? put(key, instanceJson(service, ip, change.weight))
    : { kind: 'delete', key, revision };
}

describe('after any history of updates', () => {
  const stepsArbitrary = fc.array(fc.array(changeArbitrary, { minLength: 1, maxLength: 60 }), {
    maxLength: 12,
  });

  it('the ruleset is that of its snapshot, and unchanged entries are the same objects', () => {
    fc.assert(
      fc.property(stepsArbitrary, (steps) => {
        const make = createRulesetMaker();
        const hash = createRulesHash();
        let view = snapshotOf([], 0);
        steps.forEach((changes, at) => {
          const before = make(view.snapshot);
          view = updateSnapshot(
            view,
            changes.map((change) => eventOf(change, at + 1)),
            at + 1,
          );
          const ruleset = make(view.snapshot);
          expect(ruleset).toEqual(rulesetOf(view.snapshot));
          expect(hash(ruleset.entries)).toBe(rulesHash(structuredClone(ruleset.entries)));
          const touched = new Set(changes.map(({ service }) => `s${service}`));
          const { gone, come } = changedItems(before.entries, ruleset.entries);
          const isTouched = ({ entry }: (typeof gone)[number]): boolean =>
            [...before.entries, ...ruleset.entries].some(
              (rules) => rules.entry.ip === entry.ip && touched.has(rules.service),
            );
          expect([...gone, ...come].every(isTouched)).toBe(true);
        });
      }),
      { seed: 73, numRuns: 60 },
    );
  }, 60_000);

  it('the rules of both layouts are those of a fresh renderer', () => {
    fc.assert(
      fc.property(stepsArbitrary, (steps) => {
        const kept = { iptables: createRenderer('ipv4'), nftables: createNftRenderer('ipv4', 'n1') };
        let view = snapshotOf([], 0);
        let units = kept.nftables.render(rulesetOf(view.snapshot));
        const ips = hairpinIps(units);
        steps.forEach((changes, at) => {
          view = updateSnapshot(
            view,
            changes.map((change) => eventOf(change, at + 1)),
            at + 1,
          );
          const ruleset = rulesetOf(view.snapshot);
          const fresh = { entries: structuredClone(ruleset.entries) };
          expect(kept.iptables(ruleset)).toEqual(createRenderer('ipv4')(fresh));
          const next = kept.nftables.render(ruleset);
          expect(next).toEqual(createNftRenderer('ipv4', 'n1').render(fresh));
          const { gone, come } = changedItems(units, next);
          const touched = new Set([...gone, ...come].flatMap((unit) => unit.ips));
          const there = (of: typeof units): ReadonlySet<string> =>
            new Set(of.flatMap((unit) => unit.ips).filter((ip) => touched.has(ip)));
          expect(ips.look(gone, come)).toEqual({ before: there(units), after: there(next) });
          ips.count(gone, come);
          units = next;
        });
      }),
      { seed: 74, numRuns: 40 },
    );
  }, 60_000);
});
