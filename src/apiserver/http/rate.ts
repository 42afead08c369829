/** Owns counting how often something happens, by name: a bucket of tokens each. Pure but for its own state. */
import type { RateLimit } from './limits.ts';

/** Buckets by name. */
export interface Rate {
  /** Takes one; false: it is too often. */
  readonly take: (name: string, nowMs: number) => boolean;
}

interface Bucket {
  left: number;
  atMs: number;
}

/** Names kept at most; full buckets are as good as none and go first. */
const MAX_NAMES = 10_000;

/** Full buckets. */
export function createRate({ burst, perSecond }: RateLimit): Rate {
  const buckets = new Map<string, Bucket>();
  const leftAt = (bucket: Bucket, nowMs: number): number =>
    Math.min(burst, bucket.left + ((nowMs - bucket.atMs) / 1_000) * perSecond);
  const prune = (nowMs: number): void => {
    for (const [name, bucket] of buckets) if (leftAt(bucket, nowMs) >= burst) buckets.delete(name);
    // All of them busy: the oldest is forgotten, so that names cannot fill the memory.
    for (const name of buckets.keys()) {
      if (buckets.size < MAX_NAMES) return;
      buckets.delete(name);
    }
  };
  return {
    take: (name, nowMs) => {
      const known = buckets.get(name);
      if (known === undefined && buckets.size >= MAX_NAMES) prune(nowMs);
      const left = known === undefined ? burst : leftAt(known, nowMs);
      const isTaken = left >= 1;
      buckets.set(name, { left: isTaken ? left - 1 : left, atMs: nowMs });
      return isTaken;
    },
  };
}
