/**
 * Owns whether counted connections fit the shares: by chi-square where instances are chosen by chance, within a bound where they take
 * turns. Pure.
 */
import { chiSquareTest, upperTail } from '../balance/chi-square.ts';
import { formatEntry } from '../model/entry.ts';
import type { Tally } from '../rules/verify/comparison.ts';

/** How the counted connections are spread. */
export type Spread =
  /** As chance, or the bound of turns, allows. */
  | 'fits'
  /** Chance alone does not explain the counts, or turns do not give them. */
  | 'off'
  /** Some instance should have had less than 5: nothing can be said. */
  | 'too-few'
  /** They were counted through changes of shares (turns without a sample): nothing can be said. */
  | 'unsampled'
  /** Clients stay with their instance: there is no share to hold them against. */
  | 'clients'
  /** One instance at most: there is nothing to spread. */
  | 'single';

/** A tally, with the time in which it was counted; undefined: since its counters began. */
export type Counted = Tally & { readonly sampleMs?: number | undefined };

/** False alarms in one of 1,000 runs, however many services are looked at (Bonferroni). */
export const LEAST_P = 0.001;
/** Expected count below which chi-square is no measure (W. G. Cochran, 1954); turns are held to it too. */
const LEAST_EXPECTED = 5;
/** Of shares as fractions. */
const ROUNDING = 1e-6;

/** Total of some numbers. */
export const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

/** Tallies by entry and, of one entry, by their order. */
function keyed(tallies: readonly Tally[]): ReadonlyMap<string, Tally> {
  const seen = new Map<string, number>();
  return new Map(
    tallies.map((tally) => {
      const entry = formatEntry(tally.entry);
      const nth = seen.get(entry) ?? 0;
      seen.set(entry, nth + 1);
      return [`${entry} ${nth}`, tally] as const;
    }),
  );
}

const isContinued = (before: Tally, after: Tally): boolean =>
  before.shares.length === after.shares.length &&
  after.shares.every(
    (share, at) => share === before.shares[at] && (after.counts[at] ?? 0) >= (before.counts[at] ?? 0),
  );

/**
 * What was counted between two looks. A chain that was rewritten meanwhile has only what it counted since; counters that go on through
 * rewrites are not of use then.
 */
export function sampled(
  before: readonly Tally[],
  after: readonly Tally[],
  sampleMs: number,
): readonly Counted[] {
  const old = keyed(before);
  return [...keyed(after)].map(([key, tally]) => {
    const first = old.get(key);
    if (first === undefined || !isContinued(first, tally)) return tally;
    return {
      ...tally,
      sampleMs,
      connections: tally.connections - first.connections,
      counts: tally.counts.map((count, at) => count - (first.counts[at] ?? 0)),
    };
  });
}

const isEnough = ({ counts, shares }: Tally): boolean => sum(counts) * Math.min(...shares) >= LEAST_EXPECTED;

function byChance(
  tallies: readonly Tally[],
  leastP: number,
): { readonly p: number; readonly spread: Spread } {
  const tests = tallies.map(({ counts, shares }) => chiSquareTest(counts, shares));
  const p = upperTail(
    sum(tests.map(({ statistic }) => statistic)),
    sum(tests.map((test) => test.degreesOfFreedom)),
  );
  return { p, spread: p < leastP ? 'off' : 'fits' };
}

function byTurns({ counts, shares, how, sampleMs }: Counted): Spread {
  if (how.kind !== 'turns') return 'clients';
  const total = sum(counts);
  // Connections that came between the reading of one counter and another, at both ends of the sample.
  const read = sampleMs === undefined ? 0 : Math.ceil((2 * total * how.skewMs) / Math.max(sampleMs, 1));
  const fits = counts.every(
    (count, at) =>
      Math.abs(count - total * (shares[at] ?? 0)) <= (how.slack[at] ?? 0) + read + total * ROUNDING,
  );
  if (fits) return 'fits';
  return sampleMs === undefined ? 'unsampled' : 'off';
}

/**
 * Judges one service.
 * @returns p only where chance decides
 */
export function spreadOf(
  tallies: readonly Counted[],
  leastP: number,
): { readonly p: number | null; readonly spread: Spread } {
  const choosing = tallies.filter(({ shares }) => shares.length > 1);
  if (choosing.length === 0) return { p: null, spread: 'single' };
  const judged = choosing.filter(({ how }) => how.kind !== 'clients');
  if (judged.length === 0) return { p: null, spread: 'clients' };
  const usable = judged.filter(isEnough);
  if (usable.length === 0) return { p: null, spread: 'too-few' };
  const turning = usable.filter(({ how }) => how.kind === 'turns').map(byTurns);
  if (turning.length === 0) return byChance(usable, leastP);
  const worst = (['off', 'unsampled'] as const).find((spread) => turning.includes(spread));
  return { p: null, spread: worst ?? 'fits' };
}
