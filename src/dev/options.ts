/** Owns what `sluice dev` is started with and what it reports. */

/** How to run the parts of the cluster: command lines without their own arguments. */
export interface DevPrograms {
  /** This very program: `node …/sluice.js`. */
  readonly sluice: readonly string[];
  readonly instance: readonly string[];
  readonly load: readonly string[];
}

/** Where the burst of connections landed on one instance. */
export interface DevRow {
  /** IP:port. */
  readonly instance: string;
  readonly node: string;
  readonly weight: number;
  readonly expectedShare: number;
  readonly connections: number;
  readonly share: number;
}

/** What the burst showed. */
export interface DevReport {
  readonly entry: string;
  readonly rows: readonly DevRow[];
  readonly connections: number;
  readonly failed: number;
  /** Answers a second, and the median time to one in milliseconds. */
  readonly perSecond: number;
  readonly medianMs: number;
  /** Probability of such a spread or a worse one if the weights hold. */
  readonly p: number;
  /** No failed connection, and the spread fits the weights. */
  readonly ok: boolean;
}
