/** Owns random rulesets for properties: dense and sparse, both families, both protocols, one and many instances. */
import * as fc from 'fast-check';
import { canonicalIp } from '../../src/model/address.ts';
import { compareEntries, formatEntry, type Entry } from '../../src/model/entry.ts';
import type { EntryRules, Ruleset } from '../../src/rules/ruleset.ts';

const ipv4 = fc
  .tuple(
    fc.constantFrom(10, 172, 203),
    fc.constantFrom(0, 96, 255),
    fc.integer({ min: 0, max: 3 }),
    fc.nat(255),
  )
  .map((octets) => octets.join('.'));
const ipv6 = fc
  .tuple(fc.constantFrom('fd00', '2001:db8'), fc.nat(3), fc.nat(0xffff))
  .map(([head, middle, tail]) => canonicalIp(`${head}:${middle}::${tail.toString(16)}`) ?? '::1');
const port = fc.oneof(fc.constantFrom(80, 443, 1, 65_535), fc.integer({ min: 1, max: 65_535 }));
const weight = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 65_535 }));

/** A random entry. */
export const entryArbitrary: fc.Arbitrary<Entry> = fc.record({
  ip: fc.oneof({ arbitrary: ipv4, weight: 3 }, { arbitrary: ipv6, weight: 1 }),
  port,
  protocol: fc.constantFrom('tcp' as const, 'udp' as const),
});

const countArbitrary = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: 4 }), weight: 6 },
  { arbitrary: fc.integer({ min: 5, max: 40 }), weight: 2 },
  { arbitrary: fc.integer({ min: 41, max: 700 }), weight: 1 },
);

/** An address of its own for each number, so that every target of an entry is told apart. */
function targetIp(entry: Entry, number: number): string {
  const [high, low] = [number >> 8, number & 255];
  return entry.ip.includes(':')
    ? (canonicalIp(`fd99::${(number + 1).toString(16)}`) ?? '::1')
    : `10.200.${high}.${low}`;
}

/** Rules of one entry. */
export const rulesArbitrary: fc.Arbitrary<EntryRules> = fc
  .tuple(entryArbitrary, fc.boolean(), countArbitrary)
  .chain(([entry, masquerade, count]) =>
    fc.array(weight, { minLength: count, maxLength: count }).map((weights) => ({
      entry,
      service: 'web',
      masquerade,
      targets: weights.map((one, number) => ({ ip: targetIp(entry, number), port: 8080, weight: one })),
    })),
  );

/** Sorted, without repeats, as a Ruleset must be. */
export function rulesetFrom(entries: readonly EntryRules[]): Ruleset {
  const byEntry = new Map(entries.map((rules) => [formatEntry(rules.entry), rules]));
  return { entries: [...byEntry.values()].toSorted((a, b) => compareEntries(a.entry, b.entry)) };
}

/** A random ruleset of up to `max` entries. */
export const rulesetArbitrary = (max: number): fc.Arbitrary<Ruleset> =>
  fc.array(rulesArbitrary, { maxLength: max, size: 'max' }).map(rulesetFrom);
