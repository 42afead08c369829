/**
 * Owns which instance addresses are in a table's hairpin set. Several instances may have one address, of which the set has one element: it is
 * counted how many there are, so that a change costs its own addresses. Pure, but for its own counts.
 */
import type { NftUnit } from './nft-rules.ts';

/** Which of some addresses are in the set before and after a change. */
export interface HairpinChange {
  readonly before: ReadonlySet<string>;
  readonly after: ReadonlySet<string>;
}

/** Counts of addresses. */
export interface HairpinIps {
  /** What a change of units would do; nothing is counted yet. */
  readonly look: (gone: readonly NftUnit[], come: readonly NftUnit[]) => HairpinChange;
  /** The change was made. */
  readonly count: (gone: readonly NftUnit[], come: readonly NftUnit[]) => void;
}

/** Counts of the units that are there. */
export function hairpinIps(units: readonly NftUnit[]): HairpinIps {
  const counts = new Map<string, number>();
  const add = (changed: readonly NftUnit[], by: 1 | -1): void => {
    for (const { ips } of changed) {
      for (const ip of ips) {
        const left = (counts.get(ip) ?? 0) + by;
        if (left === 0) counts.delete(ip);
        else counts.set(ip, left);
      }
    }
  };
  add(units, 1);
  return {
    look: (gone, come) => {
      const shift = new Map<string, number>();
      for (const { ips } of gone) for (const ip of ips) shift.set(ip, (shift.get(ip) ?? 0) - 1);
      for (const { ips } of come) for (const ip of ips) shift.set(ip, (shift.get(ip) ?? 0) + 1);
      const ips = [...shift];
      return {
        before: new Set(ips.filter(([ip]) => counts.has(ip)).map(([ip]) => ip)),
        after: new Set(ips.filter(([ip, by]) => (counts.get(ip) ?? 0) + by > 0).map(([ip]) => ip)),
      };
    },
    count: (gone, come) => {
      add(gone, -1);
      add(come, 1);
    },
  };
}
