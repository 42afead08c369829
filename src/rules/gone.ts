/**
 * Owns which remembered connections (conntrack) must be forgotten after the rules changed: those to instances that are gone, and those
 * that were remembered without translation. Pure. A draining instance (weight 0, or of state draining) keeps its TCP connections.
 */
import { type Address, formatAddress } from '../model/address.ts';
import { type Entry, formatEntry } from '../model/entry.ts';
import type { InstanceState } from '../model/service.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { changedItems } from './changed-items.ts';
import type { EntryRules, Ruleset } from './ruleset.ts';

/** What the kernel did at one moment: its rules, and the snapshot that they were made from (it knows who drains). */
export interface Forwarding {
  readonly ruleset: Ruleset;
  readonly snapshot: Snapshot;
}

/** Connections to forget: all of an entry that are answered by one address. */
export interface Stale {
  readonly entry: Entry;
  /** An instance that is gone; the entry's own address for connections that were never translated. */
  readonly answeredBy: Address;
  /** Only those that were not answered yet. */
  readonly unanswered: boolean;
}

/** No process is behind an instance of these states. */
const DEAD: ReadonlySet<InstanceState> = new Set(['stopped', 'failed', 'crashloop']);

const isTarget = (rules: EntryRules, ip: string, port: number): boolean =>
  rules.targets.some((target) => target.ip === ip && target.port === port);

/** Addresses of the service's instances that may still serve connections that they have, of the entry's family. Port 0: it never had one. */
function presentOf(rules: EntryRules, snapshot: Snapshot): ReadonlyMap<string, Address> {
  const isIpv6 = rules.entry.ip.includes(':');
  const stored = (snapshot.instances.get(rules.service) ?? [])
    .map(({ value }) => value)
    .filter(({ ip, port, state }) => port !== 0 && !DEAD.has(state) && ip.includes(':') === isIpv6);
  return new Map(
    [...stored, ...rules.targets].map(({ ip, port }) => [formatAddress({ ip, port }), { ip, port }]),
  );
}

/**
 * The connections of one entry that were never translated. A TCP connection that was answered is spared: it is to a real machine of that
 * address.
 */
const untranslated = ({ entry }: EntryRules): Stale => ({
  entry,
  answeredBy: { ip: entry.ip, port: entry.port },
  unanswered: entry.protocol === 'tcp',
});

/** What of one entry must be forgotten; `after` is undefined if the entry is gone. */
function staleOfEntry(
  [rulesBefore, before]: readonly [EntryRules, Snapshot],
  [rulesAfter, after]: readonly [EntryRules | undefined, Snapshot],
): readonly Stale[] {
  const { entry } = rulesBefore;
  const present: ReadonlyMap<string, Address> =
    rulesAfter === undefined ? new Map() : presentOf(rulesAfter, after);
  const isKept = (text: string, { ip, port }: Address): boolean =>
    entry.protocol === 'tcp'
      ? present.has(text)
      : rulesAfter !== undefined &&
        (isTarget(rulesAfter, ip, port) || !isTarget(rulesBefore, ip, port)) &&
        present.has(text);
  const gone = [...presentOf(rulesBefore, before)]
    .filter(([text, address]) => !isKept(text, address))
    .map(([, answeredBy]) => ({ entry, answeredBy, unanswered: false }));
  const isFirst = rulesBefore.targets.length === 0 && (rulesAfter?.targets.length ?? 0) > 0;
  return isFirst && rulesAfter !== undefined ? [...gone, untranslated(rulesAfter)] : gone;
}

/**
 * What must be forgotten after the kernel went from one forwarding to the next.
 *
 * TCP: connections to instances that are no longer stored (or dead), and all of an entry that is gone. UDP: also those to instances that
 * get no new ones, since a client that goes on with its source port would stay there for ever. An entry that is new, or just got its
 * first instance: what was remembered for it without translation.
 * @returns in the order of the entries, those that are gone first
 */
export function staleBetween(before: Forwarding, after: Forwarding): readonly Stale[] {
  const { gone, come } = changedItems(before.ruleset.entries, after.ruleset.entries);
  const changed = new Map(come.map((rules) => [formatEntry(rules.entry), rules]));
  const stale: Stale[] = [];
  for (const rules of gone) {
    const key = formatEntry(rules.entry);
    stale.push(...staleOfEntry([rules, before.snapshot], [changed.get(key), after.snapshot]));
    changed.delete(key);
  }
  return [...stale, ...[...changed.values()].filter(({ targets }) => targets.length > 0).map(untranslated)];
}

/** What was never translated, of every entry that has an instance: for the moment after rules that were away are back. */
export function everyUntranslated({ entries }: Ruleset): readonly Stale[] {
  return entries.filter(({ targets }) => targets.length > 0).map(untranslated);
}

/** Those that are not answered by an instance that the entry has (again) now. */
export function stillStale(stale: readonly Stale[], { ruleset, snapshot }: Forwarding): readonly Stale[] {
  const wanted = new Set(stale.map(({ entry }) => formatEntry(entry)));
  const rulesOf = new Map(
    ruleset.entries
      .map((rules) => [formatEntry(rules.entry), rules] as const)
      .filter(([key]) => wanted.has(key)),
  );
  return stale.filter(({ entry, answeredBy }) => {
    const rules = rulesOf.get(formatEntry(entry));
    if (rules === undefined) return true;
    if (isTarget(rules, answeredBy.ip, answeredBy.port)) return false;
    return entry.protocol === 'udp' || !presentOf(rules, snapshot).has(formatAddress(answeredBy));
  });
}
