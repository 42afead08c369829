/** PURE. Owns a histogram of durations with bounded relative error (3 %), in the manner of HdrHistogram. */

/** Sub-buckets of each power of two: relative error at most 1/32. */
const SUB = 32;

/** A histogram under construction. */
export interface Histogram {
  /** Adds one duration; negative counts as 0. */
  readonly add: (ms: number) => void;
  /** Upper edge in ms of the bucket that holds the quantile (0 < q ≤ 1); 0 if empty. */
  readonly quantile: (q: number) => number;
  /** The largest duration added, exactly. */
  readonly max: () => number;
  readonly count: () => number;
}

/** What people read of a histogram, in ms, rounded to 0.01. */
export interface Quantiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** Bucket of a whole number of microseconds. */
function bucketOf(us: number): number {
  if (us < SUB) return us;
  const shift = 31 - Math.clz32(us) - 5;
  return (shift + 1) * SUB + ((us >>> shift) - SUB);
}

/** First number of microseconds above a bucket. */
function edgeOf(bucket: number): number {
  if (bucket < SUB) return bucket + 1;
  const shift = Math.floor(bucket / SUB) - 1;
  return (SUB + (bucket % SUB) + 1) * 2 ** shift;
}

/** An empty histogram. Resolution is 1 µs; durations above 35 minutes count as that. */
export function createHistogram(): Histogram {
  const counts: number[] = [];
  let total = 0;
  let max = 0;
  return {
    add: (ms) => {
      const bucket = bucketOf(Math.min(Math.max(Math.round(ms * 1000), 0), 2 ** 31 - 1));
      counts[bucket] = (counts[bucket] ?? 0) + 1;
      total += 1;
      max = Math.max(max, ms);
    },
    quantile: (q) => {
      const rank = Math.ceil(q * total);
      let seen = 0;
      for (let bucket = 0; bucket < counts.length; bucket += 1) {
        seen += counts[bucket] ?? 0;
        if (seen >= rank && seen > 0) return Math.min(edgeOf(bucket) / 1000, max);
      }
      return 0;
    },
    max: () => max,
    count: () => total,
  };
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}

/** The quantiles that people read. */
export function quantilesOf(histogram: Histogram): Quantiles {
  return {
    p50: round(histogram.quantile(0.5)),
    p90: round(histogram.quantile(0.9)),
    p99: round(histogram.quantile(0.99)),
    max: round(histogram.max()),
  };
}
