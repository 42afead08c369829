/**
 * Owns `verify`: the rules in this node's kernel against what the store asks for, byte for byte, and the connections that they counted
 * against the shares that stand in them.
 */
import { chiSquareTest, upperTail } from '../balance/chi-square.ts';
import type { Clock } from '../host/clock.ts';
import type { Family } from '../model/address.ts';
import type { Ruleset } from '../rules/ruleset.ts';
import { rulesetOf } from '../rules/ruleset-of.ts';
import type { Comparison, Difference, Tally } from '../rules/verify/comparison.ts';
import { desiredState, type Sources } from './explain-sources.ts';
import { notFound } from './not-found.ts';

/** Our rules as installed; implemented at the edge (dataplane/live/installed.ts). */
export interface InstalledReader {
  readonly layout: string;
  readonly compare: (ruleset: Ruleset, family: Family) => Comparison;
}

/** How the counted connections are spread. */
export type Spread =
  /** p is above the bound. */
  | 'fits'
  /** p is below it: chance alone does not explain the counts. */
  | 'off'
  /** Some instance should have had less than 5: nothing can be said. */
  | 'too-few'
  /** One instance at most: there is nothing to spread. */
  | 'single';

/** One service, or (service null) what all share. */
export interface VerifyItem {
  readonly service: string | null;
  readonly rules: 'ok' | 'differ';
  readonly differences: readonly Difference[];
  /** New connections counted since its rules were written (or in the time of `sample`). */
  readonly connections: number;
  /** Probability that chance alone gives such counts; null if nothing can be said. */
  readonly p: number | null;
  readonly spread: Spread;
}

/** What verify found. */
export interface VerifyReport {
  readonly layout: string;
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

/** False alarms in one of 1,000 runs, however many services are looked at (Bonferroni). */
const LEAST_P = 0.001;
/** Expected count below which chi-square is no measure (W. G. Cochran, 1954). */
const LEAST_EXPECTED = 5;
/** An agent that is about to apply what was just published must not look wrong. */
const LOOKS = 4;
const PAUSE_MS = 250;
const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];

interface Look {
  readonly layout: string;
  readonly revision: number;
  readonly savedAt: string | undefined;
  readonly ruleset: Ruleset;
  readonly differences: readonly Difference[];
  readonly tallies: readonly Tally[];
}

async function look(deps: VerifyDeps, options: VerifyOptions): Promise<Look> {
  const desired = await desiredState(deps, { signal: options.signal });
  const installed = await deps.readInstalled();
  const ruleset = rulesetOf(desired.snapshot);
  const found = FAMILIES.map((family) => installed.compare(ruleset, family));
  return {
    layout: installed.layout,
    revision: desired.snapshot.revision,
    savedAt: desired.savedAt,
    ruleset,
    differences: found.flatMap(({ differences }) => differences),
    tallies: found.flatMap(({ tallies }) => tallies),
  };
}

/** Counts of the second look without those of the first; a chain that was rewritten meanwhile has only the second. */
function since(before: readonly Tally[], after: readonly Tally[]): readonly Tally[] {
  return after.map((tally, index) => {
    const old = before[index];
    const isSame =
      old !== undefined &&
      old.service === tally.service &&
      old.shares.length === tally.shares.length &&
      tally.shares.every(
        (share, at) => share === old.shares[at] && (tally.counts[at] ?? 0) >= (old.counts[at] ?? 0),
      );
    return isSame
      ? { ...tally, counts: tally.counts.map((count, at) => count - (old.counts[at] ?? 0)) }
      : tally;
  });
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

function spreadOf(
  tallies: readonly Tally[],
  leastP: number,
): { readonly p: number | null; readonly spread: Spread } {
  const choosing = tallies.filter(({ shares }) => shares.length > 1);
  if (choosing.length === 0) return { p: null, spread: 'single' };
  const usable = choosing.filter(({ counts, shares }) => sum(counts) * Math.min(...shares) >= LEAST_EXPECTED);
  if (usable.length === 0) return { p: null, spread: 'too-few' };
  const tests = usable.map(({ counts, shares }) => chiSquareTest(counts, shares));
  const p = upperTail(
    sum(tests.map(({ statistic }) => statistic)),
    sum(tests.map((test) => test.degreesOfFreedom)),
  );
  return { p, spread: p < leastP ? 'off' : 'fits' };
}

function itemOf(service: string | null, seen: Look, leastP: number): VerifyItem {
  const differences = seen.differences.filter((each) => (each.service ?? null) === service);
  const tallies = seen.tallies.filter((each) => each.service === service);
  const connections = sum(tallies.filter(({ isWhole }) => isWhole).map(({ counts }) => sum(counts)));
  const rules = differences.length === 0 ? 'ok' : 'differ';
  return { service, rules, differences, connections, ...spreadOf(tallies, leastP) };
}

function reportOf(seen: Look, only: string | undefined): VerifyReport {
  const services = [...new Set(seen.ruleset.entries.map(({ service }) => service))].toSorted();
  const shown = only === undefined ? services : services.filter((name) => name === only);
  const leastP = LEAST_P / Math.max(1, shown.length);
  const items = [null, ...shown].map((service) => itemOf(service, seen, leastP));
  return {
    layout: seen.layout,
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
    seen = { ...later, tallies: since(seen.tallies, later.tallies) };
  }
  return reportOf(seen, service);
}
