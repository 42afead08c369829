/** Owns what becomes of a registration when its instance or people say something. Pure: a registration and a time in, a registration out. */
import { canonicalJson } from '../model/canonical-json.ts';
import { type RegisteredStatus, type Registration, statusOf } from '../model/registration.ts';

/** What an instance says when it registers; times are the registry's to write. */
export type RegistrationRequest = Omit<Registration, 'registeredMs' | 'upMs' | 'updatedMs'>;

/** With the time since which it serves, and the time of this change. */
function stamped(
  after: Omit<Registration, 'upMs' | 'updatedMs'>,
  before: Registration | undefined,
  nowMs: number,
): Registration {
  const isUp = statusOf(after) === 'UP';
  const wasUp = before !== undefined && before.upMs > 0 && statusOf(before) === 'UP';
  return {
    ...after,
    upMs: !isUp ? (before?.upMs ?? 0) : wasUp ? before.upMs : nowMs,
    updatedMs: nowMs,
  };
}

const said = ({ updatedMs: _updated, upMs: _up, ...rest }: Registration): string => canonicalJson(rest);

/** The earlier object if nothing that counts differs: a registration that only repeats itself is not written again. */
function unlessSame(before: Registration | undefined, after: Registration): Registration {
  return before !== undefined && said(before) === said(after) ? before : after;
}

/**
 * An instance registers. What has the later `dirtyMs` wins; of equals, and where none is said, the newcomer. What people said stays.
 */
export function registered(
  request: RegistrationRequest,
  before: Registration | undefined,
  nowMs: number,
): Registration {
  if (before !== undefined && request.dirtyMs > 0 && request.dirtyMs < before.dirtyMs) return before;
  const override = before?.override ?? request.override;
  const { override: _asked, ...rest } = request;
  const after = {
    ...rest,
    ...(override === undefined ? {} : { override }),
    registeredMs: before?.registeredMs ?? nowMs,
    dirtyMs: request.dirtyMs > 0 ? request.dirtyMs : (before?.dirtyMs ?? nowMs),
  };
  return unlessSame(before, stamped(after, before, nowMs));
}

/** Another registry has it, and is believed in all that it says: what is written is what stands there. */
export function takenOver(
  request: RegistrationRequest,
  source: string,
  { before, nowMs }: { readonly before: Registration | undefined; readonly nowMs: number },
): Registration {
  const registeredMs = before?.registeredMs ?? nowMs;
  return unlessSame(before, stamped({ ...request, source, registeredMs }, before, nowMs));
}

/** People say a status; it stays until they take it back or the instance leaves. */
export function overridden(before: Registration, status: RegisteredStatus, nowMs: number): Registration {
  return unlessSame(before, stamped({ ...before, override: status }, before, nowMs));
}

/** People take their status back. Without another one it is unknown until the instance registers again. */
export function overrideCleared(
  before: Registration,
  status: RegisteredStatus | undefined,
  nowMs: number,
): Registration {
  const { override: _override, ...rest } = before;
  return unlessSame(before, stamped({ ...rest, status: status ?? 'UNKNOWN' }, before, nowMs));
}

/** Somebody adds or changes metadata. */
export function withMetadata(
  before: Registration,
  added: Readonly<Record<string, string>>,
  nowMs: number,
): Registration {
  return unlessSame(
    before,
    stamped({ ...before, metadata: { ...before.metadata, ...added } }, before, nowMs),
  );
}

/**
 * True if a heartbeat shows that the registry knows less than the instance, which must register again: it changed since, or its status was
 * taken back by people.
 * @param dirtyMs as the heartbeat says; 0: it does not
 */
export function isOutdated(known: Registration, dirtyMs: number): boolean {
  return dirtyMs > known.dirtyMs || statusOf(known) === 'UNKNOWN';
}
