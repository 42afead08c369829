/** Owns what the controller remembers from one tick to the next. Pure JSON data: a new leader may go on from it. */

/** What is remembered of one instance. */
export interface Track {
  /** Base weight that `factor` is relative to. */
  readonly base: number;
  /** Learned: how much more it can do than its base weight says, relative to the others. */
  readonly factor: number;
  /** For how long it has been there, for the slow start. */
  readonly ageMs: number;
  /** For how long its samples have come without a gap; 0: there is none now. */
  readonly knownMs: number;
  /** For how long there has been none. */
  readonly unknownMs: number;
  /** For how long its new connections have not been counted by all who counted them. */
  readonly uncountedMs: number;
  readonly counters: number;
  /** Use of its processors, smoothed. */
  readonly use?: number | undefined;
  /** Connections in the last sample, and smoothed. */
  readonly connections?: number | undefined;
  readonly meanConnections?: number | undefined;
  /** New connections a second, smoothed; undefined: nobody counts. */
  readonly rate?: number | undefined;
  /** Connections that end a second. */
  readonly ended?: number | undefined;
}

/** What is remembered of a service. */
export interface BalanceState {
  /** Monotonic time of the last tick. */
  readonly atMs: number;
  /** For how long ticks have come without a gap. */
  readonly watchedMs: number;
  /** What part of the connections ends in a second; undefined: not seen yet. */
  readonly turnover?: number | undefined;
  /** By instance id. */
  readonly tracks: Readonly<Record<string, Track>>;
}
