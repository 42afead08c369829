/** Owns the comparison of what the live rules do with what the store asks for: instances without a rule, rules without an instance. Pure. */
import { formatAddress } from '../../model/address.ts';
import { formatShare } from '../../model/share.ts';
import type { RuleTarget } from '../ruleset.ts';
import { type ExplainFinding, REPAIR } from './finding.ts';

/** Probabilities in the kernel are rounded to 2^-31. */
const ROUNDING = 1e-6;

/** What the rules of ours give one destination. */
export interface LiveShare {
  /** `IP:PORT` */
  readonly address: string;
  readonly share: number;
}

/** Each instance's share as the store asks for it. */
export function expectedShares(targets: readonly RuleTarget[]): ReadonlyMap<string, number> {
  const sum = targets.reduce((total, { weight }) => total + weight, 0);
  return new Map(targets.map((target) => [formatAddress(target), target.weight / sum]));
}

/**
 * Compares.
 * @param live what our own rules do with the connections that reach them; shares sum to 1 if nothing else stands in the way
 */
export function storeFindings(
  expected: ReadonlyMap<string, number>,
  live: readonly LiveShare[],
): readonly ExplainFinding[] {
  const sum = live.reduce((total, { share }) => total + share, 0);
  const shares = new Map(live.map(({ address, share }) => [address, sum === 0 ? 0 : share / sum]));
  const missing = [...expected.keys()].filter((address) => !shares.has(address));
  const stale = [...shares.keys()].filter((address) => !expected.has(address));
  const about = { severity: 'error', fix: REPAIR } as const;
  const found: ExplainFinding[] = [
    ...missing.map((address) => ({
      ...about,
      code: 'missing-instance' as const,
      text: `${address} is in the store, and no live rule leads to it`,
    })),
    ...stale.map((address) => ({
      ...about,
      code: 'stale-instance' as const,
      text: `a rule of Sluice leads to ${address}, which the store does not have (or not with a weight)`,
    })),
  ];
  if (found.length > 0) return found;
  return [...expected]
    .filter(([address, share]) => Math.abs((shares.get(address) ?? 0) - share) > ROUNDING)
    .map(([address, share]) => ({
      ...about,
      code: 'wrong-share' as const,
      text: `${address} gets ${formatShare(shares.get(address) ?? 0)} of the connections, and the store asks for ${formatShare(share)}`,
    }));
}
