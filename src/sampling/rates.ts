/**
 * Owns turning what rules counted at two moments into new connections a second of each instance. An instance of which not all is known is left
 * out, never told too low. Pure.
 */
import type { ConnectionCount } from '../dataplane/dataplane.ts';
import { type Address, formatAddress } from '../model/address.ts';
import { type Entry, formatEntry } from '../model/entry.ts';
import { instanceKey, LOAD_LIMITS } from '../model/load.ts';
import type { Snapshot } from '../model/snapshot.ts';

/** What was counted, and when. */
export interface CountReading {
  readonly monotonicMs: number;
  readonly layout: string;
  readonly counts: readonly ConnectionCount[];
}

/** Instances by what rules know of them: `ENTRY ADDRESS` → `SERVICE/ID`. */
export type Owners = ReadonlyMap<string, string>;

/** New connections a second, as the mean of a time. */
export interface Rates {
  /** By `SERVICE/ID`. */
  readonly perSecond: ReadonlyMap<string, number>;
  /** By service. */
  readonly ofServices: ReadonlyMap<string, number>;
  readonly overMs: number;
}

/** Counts closer together say too little. */
const MIN_OVER_MS = 500;
/** Instances of one record: all of them as text are some 100 KB. */
const MAX_RATES = 2_000;

const wayOf = (entry: Entry, instance: Address): string => `${formatEntry(entry)} ${formatAddress(instance)}`;

/** Who is behind each way through rules. */
export function ownersOf({ services, instances }: Snapshot): Owners {
  const owners = new Map<string, string>();
  for (const [name, { value }] of services) {
    for (const instance of instances.get(name) ?? []) {
      const key = instanceKey(name, instance.value.id);
      for (const entry of value.entries) owners.set(wayOf(entry, instance.value), key);
    }
  }
  return owners;
}

const rounded = (rate: number): number => Math.round(rate * 1_000) / 1_000;

type Ways = ReadonlyMap<string, ConnectionCount>;

/** Each reading is compared twice: with the one before, and with the next. */
const waysOf = new WeakMap<CountReading, Ways>();

/** Counts by way. */
function byWay(reading: CountReading): Ways {
  const known = waysOf.get(reading);
  if (known !== undefined) return known;
  const ways = new Map(reading.counts.map((count) => [wayOf(count.entry, count.instance), count]));
  waysOf.set(reading, ways);
  return ways;
}

/** Entries whose counting may have begun anew: other rules, or a counter that went back or away. */
function brokenEntries(before: Ways, after: Ways): ReadonlySet<string> {
  const broken = new Set<string>();
  for (const [way, then] of before) {
    const now = after.get(way);
    const isBroken = now === undefined || now.connections < then.connections || now.rules !== then.rules;
    if (isBroken) broken.add(formatEntry(then.entry));
  }
  return broken;
}

/** New connections of a way; undefined if that is not known. */
function newOf(way: string, before: Ways, after: Ways): number | undefined {
  const [then, now] = [before.get(way), after.get(way)];
  // Counters that begin with rules: what was not there before has counted since a moment that nobody knows. A set of counters has none yet.
  if (now?.rules !== undefined && then === undefined) return undefined;
  return (now?.connections ?? 0) - (then?.connections ?? 0);
}

/** Whole services with the most connections first, where there are more than fit a record. */
function cut(perSecond: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  if (perSecond.size <= MAX_RATES) return perSecond;
  const services = new Map<string, { readonly rates: [string, number][]; sum: number }>();
  for (const [name, rate] of perSecond) {
    const service = name.slice(0, name.indexOf('/'));
    const known = services.get(service) ?? { rates: [], sum: 0 };
    known.rates.push([name, rate]);
    known.sum += rate;
    services.set(service, known);
  }
  const kept: (readonly [string, number])[] = [];
  for (const { rates } of [...services.values()].toSorted((a, b) => b.sum - a.sum)) {
    if (kept.length + rates.length <= MAX_RATES) kept.push(...rates);
  }
  return new Map(kept);
}

/** Connections through each entry so far. */
function byEntry({ counts }: CountReading): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { entry, connections, entryConnections } of counts) {
    const key = formatEntry(entry);
    sums.set(key, entryConnections ?? (sums.get(key) ?? 0) + connections);
  }
  return sums;
}

/** New connections by entry, of those of which that is known. */
function newByEntry(before: CountReading, after: CountReading, broken: ReadonlySet<string>) {
  const [then, now] = [byEntry(before), byEntry(after)];
  /** In a set of counters everything is counted; counters of rules are not there before their rules. */
  const isWhole = after.layout === 'nftables';
  return (entry: string): number | undefined => {
    const [was, is] = [
      then.get(entry) ?? (isWhole ? 0 : undefined),
      now.get(entry) ?? (isWhole ? 0 : undefined),
    ];
    const isKnown = was !== undefined && is !== undefined && is >= was && !(isWhole && broken.has(entry));
    return isKnown ? is - was : undefined;
  };
}

/** Entries by service. */
function entriesOf(owners: Owners): ReadonlyMap<string, ReadonlySet<string>> {
  const entries = new Map<string, Set<string>>();
  for (const [way, name] of owners) {
    const service = name.slice(0, name.indexOf('/'));
    const known = entries.get(service);
    const entry = way.slice(0, way.indexOf(' '));
    if (known === undefined) entries.set(service, new Set([entry]));
    else known.add(entry);
  }
  return entries;
}

/** Rates of the services of which all entries are known, those with the most connections where they are too many. */
function serviceRates(
  owners: Owners,
  overMs: number,
  newOfEntry: (entry: string) => number | undefined,
): ReadonlyMap<string, number> {
  const rates: (readonly [string, number])[] = [];
  for (const [service, entries] of entriesOf(owners)) {
    const counts = [...entries].map(newOfEntry);
    const rate = counts.reduce<number>((sum, count) => sum + ((count ?? 0) * 1_000) / overMs, 0);
    const isKnown = !counts.includes(undefined) && rate <= LOAD_LIMITS.newConnectionsPerSecond;
    if (isKnown) rates.push([service, rounded(rate)]);
  }
  return new Map(rates.toSorted(([, a], [, b]) => b - a).slice(0, MAX_RATES));
}

/** Rates between two readings; undefined if they cannot be compared. */
export function ratesBetween(before: CountReading, after: CountReading, owners: Owners): Rates | undefined {
  const overMs = after.monotonicMs - before.monotonicMs;
  if (before.layout !== after.layout || overMs < MIN_OVER_MS) return undefined;
  const [then, now] = [byWay(before), byWay(after)];
  const broken = brokenEntries(then, now);
  const perSecond = new Map<string, number>();
  const unknown = new Set<string>();
  // In a set of counters everything is counted, so what is not in it had nothing.
  const isWhole = after.layout === 'nftables';
  for (const [way, name] of owners) {
    if (!isWhole && !now.has(way)) continue;
    const isBroken = broken.has(way.slice(0, way.indexOf(' ')));
    const count = isBroken ? undefined : newOf(way, then, now);
    const rate = (perSecond.get(name) ?? 0) + ((count ?? 0) * 1_000) / overMs;
    if (count === undefined || rate > LOAD_LIMITS.newConnectionsPerSecond) unknown.add(name);
    perSecond.set(name, rounded(rate));
  }
  for (const name of unknown) perSecond.delete(name);
  const ofServices = serviceRates(owners, overMs, newByEntry(before, after, broken));
  return { perSecond: cut(perSecond), ofServices, overMs: Math.round(overMs) };
}
