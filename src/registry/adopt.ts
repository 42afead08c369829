/**
 * Owns which registrations follow from what another registry has: those that registered here themselves are never touched, and many that are
 * gone there all at once are not believed for a while (a server that has just started knows nobody yet). Pure: the memory is a value.
 */
import type { Registration } from '../model/registration.ts';
import { type RegistrationRequest, takenOver } from './lifecycle.ts';

/** What there is, and what there should be. */
export interface AdoptInput {
  /** Name of the other registry. */
  readonly source: string;
  /** Everything that it has, by `<app>/<id>`. */
  readonly wanted: ReadonlyMap<string, RegistrationRequest>;
  /** Those of which it said itself that they left, by `<app>/<id>`. */
  readonly left: ReadonlySet<string>;
  /** All registrations here. */
  readonly present: readonly Registration[];
  /** Since when many are gone there (monotonic); undefined: they are not. */
  readonly goneSinceMs: number | undefined;
  readonly nowMs: number;
  readonly wallMs: number;
}

/** What must be done. */
export interface Adoption {
  readonly put: readonly RegistrationRequest[];
  readonly remove: readonly Registration[];
  readonly goneSinceMs: number | undefined;
}

/** More of the adopted ones than this, and at least two, are too many to go at once (as in silence.ts). */
const SHARE = 0.15;
/** Until they are believed to be gone: six times what a client takes to find out that its server forgot it. */
const DISBELIEF_MS = 180_000;

/** Its registration as the other registry has it now; the same object: nothing is to be written. */
export function adopted(
  request: RegistrationRequest,
  before: Registration | undefined,
  { source, wallMs }: Pick<AdoptInput, 'source' | 'wallMs'>,
): Registration {
  if (before !== undefined && before.source === undefined) return before;
  return takenOver(request, source, { before, nowMs: wallMs });
}

/** What follows. */
export function adopt(input: AdoptInput): Adoption {
  const { source, wanted, left, present, nowMs, goneSinceMs } = input;
  const byKey = new Map(present.map((one) => [`${one.app}/${one.id}`, one]));
  const put = [...wanted].flatMap(([key, request]) => {
    const before = byKey.get(key);
    return adopted(request, before, input) === before ? [] : [request];
  });
  const own = present.filter((one) => one.source === source);
  const gone = own.filter(({ app, id }) => !wanted.has(`${app}/${id}`));
  const told = gone.filter(({ app, id }) => left.has(`${app}/${id}`));
  const untold = gone.length - told.length;
  if (untold < Math.max(2, Math.floor(SHARE * own.length) + 1))
    return { put, remove: gone, goneSinceMs: undefined };
  const sinceMs = goneSinceMs ?? nowMs;
  return { put, remove: nowMs - sinceMs < DISBELIEF_MS ? told : gone, goneSinceMs: sinceMs };
}
