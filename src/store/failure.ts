/** Owns the errors that every store throws in the same words, and the limits of a request. Must not know an implementation. */
import { SluiceError } from '../errors.ts';

/** Default total budget of one call, so that "store down" is told in under 3 s. */
export const DEFAULT_TIMEOUT_MS = 2_500;

/** Where a failed call went; `store` is `Store.description`. */
interface Place {
  readonly store: string;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/** `unavailable`: the store could not be asked; nothing was written. */
export function unavailable(why: string, place: Place): SluiceError {
  return new SluiceError('unavailable', `cannot reach the store (${place.store})`, {
    why,
    fix: 'check that the store is running and that --endpoints (or --server) names it; traffic goes on with the last known rules',
    details: { written: false, ...place.details },
    cause: place.cause,
  });
}

/** `unavailable` with `details.compacted`: the revision asked for is no longer held. */
export function revisionGone(revision: number, place: Place): SluiceError {
  return new SluiceError('unavailable', `the store no longer holds revision ${revision} (${place.store})`, {
    why: 'the history was compacted, or the store was set back to a backup',
    fix: 'read again without a revision',
    details: { written: false, compacted: true, revision, ...place.details },
    cause: place.cause,
  });
}

/** `unknown`: a write was sent, its answer was lost and could not be found out. */
export function unknownOutcome(why: string, place: Place): SluiceError {
  return new SluiceError('unknown', `it is not known whether the change was written (${place.store})`, {
    why,
    fix: 'look at the present state (sluice list, sluice describe) before trying again',
    details: { ...place.details },
    cause: place.cause,
  });
}

/** `interrupted`: the caller's signal ended the call before anything was sent. */
export function interrupted(place: Place): SluiceError {
  return new SluiceError('interrupted', 'the call to the store was interrupted', {
    why: 'stopped by a signal before anything was written',
    details: { written: false, ...place.details },
  });
}

/** `conflict` with `details.leaseLost`: an operation names a lease that has ended. */
export function leaseGone(lease: string | undefined, place: Place): SluiceError {
  return new SluiceError('conflict', 'the lease of this write has ended', {
    why: 'it expired or was revoked; nothing was written',
    fix: 'take a new lease and try again',
    details: { written: false, leaseLost: true, ...(lease === undefined ? {} : { lease }), ...place.details },
    cause: place.cause,
  });
}
