/**
 * Owns `verify`: the rules in this node's kernel, and what stands beside them, against what the store asks for, byte for byte, and the
 * connections that they counted against the shares.
 */
import type { Clock } from '../host/clock.ts';
import type { Family } from '../model/address.ts';
import type { Ruleset } from '../rules/ruleset.ts';
import { rulesetOf } from '../rules/ruleset-of.ts';
import type { Comparison, Difference } from '../rules/verify/comparison.ts';
import { desiredState, type Sources } from './explain-sources.ts';
import { notFound } from './not-found.ts';
import { type Counted, LEAST_P, sampled, type Spread, spreadOf, sum } from './verify-spread.ts';

/** Our rules as installed; implemented at the edge (dataplane/live/installed.ts). */
export interface InstalledReader {
  readonly layout: string;
  /** Rules of ours are there, of any layout. */
  readonly isNode: boolean;
  readonly compare: (ruleset: Ruleset, family: Family) => Comparison;
  /** What differs beside the rules: guard, FORWARD, routes. */
  readonly beside: (ruleset: Ruleset) => readonly Difference[];
}

/** One service, or (service null) what all share. */
export interface VerifyItem {
  readonly service: string | null;
  readonly rules: 'ok' | 'differ';
  readonly differences: readonly Difference[];
  /** New connections counted since its rules were written (or in the time of `sample`). */
  readonly connections: number;
  /** Probability that chance alone gives such counts; null if nothing can be said, or where instances take turns. */
  readonly p: number | null;
  readonly spread: Spread;
}

/** What verify found. */
export interface VerifyReport {
  readonly layout: string;
  /** False: no rules of ours are on this machine at all. */
  readonly isNode: boolean;
  readonly revision: number;
  readonly savedAt: string | undefined;
  readonly items: readonly VerifyItem[];
  readonly rulesOk: boolean;
  readonly spreadOk: boolean;
}

/** What verify needs. */
export interface VerifyDeps extends Sources {
  readonly clock: Clock;
  readonly readInstalled: () => Promise<InstalledReader>;
}

/** What to verify. */
export interface VerifyOptions {
  readonly service?: string | undefined;
  /** Count for so long instead of since the rules were written. */
  readonly sampleMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An agent that is about to apply what was just published must not look wrong. */
const LOOKS = 4;
const PAUSE_MS = 250;
const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];

interface Look {
  readonly layout: string;
  readonly isNode: boolean;
  readonly revision: number;
  readonly savedAt: string | undefined;
  readonly ruleset: Ruleset;
  readonly differences: readonly Difference[];
  readonly tallies: readonly Counted[];
}

async function look(deps: VerifyDeps, options: VerifyOptions): Promise<Look> {
  // Side by side: what changes in between is looked at again.
  const [desired, installed] = await Promise.all([
    desiredState(deps, { signal: options.signal }),
    deps.readInstalled(),
  ]);
  const ruleset = rulesetOf(desired.snapshot);
  const found = FAMILIES.map((family) => installed.compare(ruleset, family));
  return {
    layout: installed.layout,
    isNode: installed.isNode,
    revision: desired.snapshot.revision,
    savedAt: desired.savedAt,
    ruleset,
    differences: [...found.flatMap(({ differences }) => differences), ...installed.beside(ruleset)],
    tallies: found.flatMap(({ tallies }) => tallies),
  };
}

function itemOf(
  service: string | null,
  own: { readonly differences: readonly Difference[]; readonly tallies: readonly Counted[] },
  leastP: number,
): VerifyItem {
  const { differences, tallies } = own;
  const connections = sum(tallies.map((tally) => tally.connections));
  const rules = differences.length === 0 ? 'ok' : 'differ';
  return { service, rules, differences, connections, ...spreadOf(tallies, leastP) };
}

/** Items by service; '' for what all share. */
function byService<T extends { readonly service: string | undefined }>(
  items: readonly T[],
): ReadonlyMap<string, readonly T[]> {
  const found = new Map<string, T[]>();
  for (const item of items) {
    const own = found.get(item.service ?? '');
    if (own === undefined) found.set(item.service ?? '', [item]);
    else own.push(item);
  }
  return found;
}

function reportOf(seen: Look, only: string | undefined): VerifyReport {
  const services = [...new Set(seen.ruleset.entries.map(({ service }) => service))].toSorted();
  const shown = only === undefined ? services : services.filter((name) => name === only);
  const leastP = LEAST_P / Math.max(1, shown.length);
  const [differences, tallies] = [byService(seen.differences), byService(seen.tallies)];
  const items = [null, ...shown].map((service) => {
    const key = service ?? '';
    const own = { differences: differences.get(key) ?? [], tallies: tallies.get(key) ?? [] };
    return itemOf(service, own, leastP);
  });
  return {
    layout: seen.layout,
    isNode: seen.isNode,
    revision: seen.revision,
    savedAt: seen.savedAt,
    items,
    rulesOk: items.every(({ rules }) => rules === 'ok'),
    spreadOk: items.every(({ spread }) => spread !== 'off'),
  };
}

/**
 * Verifies this node's rules.
 * @throws SluiceError `not-found` (options.service), `unavailable` (and nothing saved), `permission`, `config`, `failed`
 */
export async function verify(deps: VerifyDeps, options: VerifyOptions = {}): Promise<VerifyReport> {
  const { service, sampleMs, signal } = options;
  let seen = await look(deps, options);
  for (let count = 1; seen.differences.length > 0 && count < LOOKS; count += 1) {
    await deps.clock.sleep(PAUSE_MS, signal);
    seen = await look(deps, options);
  }
  const known = seen.ruleset.entries.map((rules) => rules.service);
  if (service !== undefined && !known.includes(service)) {
    const what = `service ${JSON.stringify(service)}`;
    throw notFound({ what, word: service, known: [...new Set(known)], command: 'sluice list services' });
  }
  if (sampleMs !== undefined) {
    await deps.clock.sleep(sampleMs, signal);
    const later = await look(deps, options);
    seen = { ...later, tallies: sampled(seen.tallies, later.tallies, sampleMs) };
  }
  return reportOf(seen, service);
}
