/** Owns what mutating use cases report, also under `-o json`. Field names are stable: only ever added. */
import type { SluiceError } from '../errors.ts';
import type { Plan } from '../plan/plan.ts';

/** An instance's part of the new connections of its service. */
export interface Share {
  readonly id: string;
  readonly address: string;
  readonly weight: number;
  /** Fraction 0-1 of the service's new connections; 0 for weight 0 or an instance that is not ready. */
  readonly share: number;
}

/** One service that was brought to its plan. */
export interface WriteResult {
  readonly service: string;
  readonly outcome: Plan['outcome'];
  /** Revision of the write; for `unchanged` that of its last change. Wait for this one. */
  readonly revision: number;
  /** Names the audit record; undefined if nothing was written. */
  readonly requestId: string | undefined;
  /** Instances after the write, oldest first. */
  readonly shares: readonly Share[];
  readonly plan: Plan;
}

/** One service that was not written (or of which it is not known: code `unknown`). */
export interface WriteFailure {
  readonly service: string;
  readonly error: SluiceError;
}

/** What a command over one or several services did. */
export interface WriteReport {
  /** In the order of writing. */
  readonly results: readonly WriteResult[];
  readonly failures: readonly WriteFailure[];
  /** Services that were not tried because the store went away, an answer stayed unknown, or the user interrupted. */
  readonly notTried: readonly string[];
  /** Highest revision of the results: what convergence waits for. 0 if there are no results. */
  readonly revision: number;
  /**
   * To be thrown after the results were shown; undefined if all went well. With one service it is that service's own error,
   * with several `failed`, naming which were written.
   */
  readonly error: SluiceError | undefined;
}

/** A report of one change that was written. */
export const reportOfOne = (result: WriteResult): WriteReport => ({
  results: [result],
  failures: [],
  notTried: [],
  revision: result.revision,
  error: undefined,
});
