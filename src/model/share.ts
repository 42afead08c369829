/** Owns shares: weights as fractions of new connections, and their text. Pure. */
import { type Address, formatAddress } from './address.ts';
import { isServing, type Serving } from './serving.ts';

/** What a share depends on. */
export interface Weighted extends Address, Serving {}

const effectiveWeight = (instance: Weighted): number => (isServing(instance) ? instance.weight : 0);

const isIpv6 = (instance: Weighted): boolean => instance.ip.includes(':');

/**
 * Share of each instance, in the order given: its weight over the sum of the ready instances of its own IP family, since an entry
 * forwards to its own family only. 0 for an instance that gets no new connections.
 * @returns fractions from 0 to 1
 */
export function sharesOf(instances: readonly Weighted[]): readonly number[] {
  const sums = { ipv4: 0, ipv6: 0 };
  for (const instance of instances) sums[isIpv6(instance) ? 'ipv6' : 'ipv4'] += effectiveWeight(instance);
  return instances.map((instance) => {
    const weight = effectiveWeight(instance);
    return weight === 0 ? 0 : weight / sums[isIpv6(instance) ? 'ipv6' : 'ipv4'];
  });
}

/** A share in per cent with at most one decimal: `25%`, `33.3%`; never `0%` for a share above 0, nor `100%` for one below 1. */
export function formatShare(share: number): string {
  const percent = Math.round(share * 1_000) / 10;
  if (share > 0 && percent === 0) return '<0.1%';
  if (share < 1 && percent === 100) return '>99.9%';
  return `${percent}%`;
}

/** `10.0.1.11:8080 25%, 10.0.1.12:8080 75%`, in the order given. */
export function formatShares(instances: readonly Weighted[]): string {
  const shares = sharesOf(instances);
  return instances
    .map((instance, index) => `${formatAddress(instance)} ${formatShare(shares[index] ?? 0)}`)
    .join(', ');
}
