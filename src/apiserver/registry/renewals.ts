/**
 * Owns the renewals that one API server hears, and telling the store of what changes about them. A heartbeat is memory here and costs the store
 * nothing: a mark is written when a registration begins to renew here, under one lease for all marks of this server, and when it falls silent.
 * When this server dies its marks go with the lease, and those that it heard are marked by the servers that they renew at next.
 */
import { SluiceError } from '../../errors.ts';
import type { Bell } from '../../host/bell.ts';
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import { encodeAlive, registrationOfTail } from '../../model/records-registration.ts';
import { createHearing, type Hearing } from '../../registry/hearing.ts';
import type { Lease, Operation, Store, Transaction } from '../../store/store.ts';
import type { RegistryCopy } from './copy.ts';

/** How long marks outlive their server: long enough for a restart. */
const LEASE_SECONDS = 30;
/** Silence is looked for this often. */
const LOOK_MS = 1_000;
/** What begins to renew within this time is written together. */
const GATHER_MS = 50;
/** Marks of one transaction. */
const BATCH = 100;

/** Renewals of this server. */
export interface Renewals {
  /** @param tail `<app>/<id>`, as in keys */
  readonly heard: (tail: string, durationSeconds: number) => void;
  readonly forget: (tail: string) => void;
  /** The mark of a registration that is written now, for the same transaction. @throws SluiceError of the store */
  readonly markOf: (tail: string) => Promise<Operation>;
  /** The store does not know the lease any more. */
  readonly leaseLost: () => void;
  readonly size: () => number;
  /** Leaves the marks to run out. */
  readonly close: () => Promise<void>;
}

/** What they need. */
export interface RenewalsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly copy: RegistryCopy;
  readonly bell: Bell;
  /** Name of this start of the server. */
  readonly server: string;
}

const keyOf = (tail: string): string => `alive/${tail}`;

/** The one lease of all marks; taken when it is needed first, and again when it was lost. */
function createMarkLease({ store, log }: RenewalsOptions, onLost: () => void) {
  let taking: Promise<Lease> | undefined;
  let held: Lease | undefined;
  const forget = (): void => {
    held?.letGo();
    [held, taking] = [undefined, undefined];
  };
  const take = async (): Promise<Lease> => {
    const lease = await store.grantLease(LEASE_SECONDS);
    held = lease;
    const lost = (): void => {
      if (held !== lease) return;
      log.warn('the lease of the marks is lost; they are written again');
      forget();
      onLost();
    };
    lease.lost.addEventListener('abort', lost, { once: true });
    return lease;
  };
  return {
    id: async (): Promise<string> => {
      taking ??= take().catch((error: unknown) => {
        taking = undefined;
        throw error;
      });
      return (await taking).id;
    },
    forget,
  };
}

interface Parts {
  readonly options: RenewalsOptions;
  readonly hearing: Hearing;
  /** To be marked as heard. */
  readonly dirty: Set<string>;
  readonly lease: ReturnType<typeof createMarkLease>;
  readonly lostLease: () => void;
}

/** Starts hearing. */
export function startRenewals(options: RenewalsOptions): Renewals {
  const { clock, copy, bell, server } = options;
  const hearing = createHearing(clock.monotonicMs());
  const dirty = new Set<string>();
  const markAll = (): void => {
    for (const key of hearing.keys()) dirty.add(key);
    bell.ring();
  };
  const lease = createMarkLease(options, markAll);
  const lostLease = (): void => {
    lease.forget();
    markAll();
  };
  const parts: Parts = { options, hearing, dirty, lease, lostLease };
  const closing = new AbortController();
  const running = loop(parts, closing.signal);
  return {
    heard: (tail, durationSeconds) => {
      hearing.heard(tail, clock.monotonicMs(), durationSeconds * 1_000);
      const mark = copy.mark(tail);
      if (mark?.server === server && mark.silentSinceMs === undefined) return;
      dirty.add(tail);
      bell.ring();
    },
    forget: (tail) => {
      hearing.forget(tail);
      dirty.delete(tail);
    },
    markOf: async (tail) => heardMark(tail, server, await lease.id()),
    leaseLost: lostLease,
    size: hearing.size,
    close: async () => {
      closing.abort();
      lease.forget();
      await running;
    },
  };
}

const heardMark = (tail: string, server: string, lease: string): Operation => ({
  kind: 'put',
  key: keyOf(tail),
  value: encodeAlive({ server }),
  lease,
});

async function loop(parts: Parts, stop: AbortSignal): Promise<void> {
  const { clock, log, bell } = parts.options;
  let lastWhy = '';
  while (!stop.aborted) {
    await bell.wait(LOOK_MS, stop);
    await clock.sleep(GATHER_MS, stop);
    if (stop.aborted) return;
    try {
      await markSilent(parts);
      await markHeard(parts);
      lastWhy = '';
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      if (error.details['leaseLost'] === true) parts.lostLease();
      if (error.message !== lastWhy) log.warn('renewals cannot be marked, trying on', { why: error.message });
      lastWhy = error.message;
    }
  }
}

/** True if the registration is there; what renews without one is forgotten. */
function isRegistered({ options: { copy } }: Parts, tail: string): boolean {
  const name = registrationOfTail(tail);
  return name !== undefined && copy.catalog.find(name.app, name.id) !== undefined;
}

async function markHeard(parts: Parts): Promise<void> {
  const { options, dirty, lease, hearing } = parts;
  const { store, server } = options;
  for (const tail of dirty) {
    if (isRegistered(parts, tail)) continue;
    dirty.delete(tail);
    hearing.forget(tail);
  }
  if (dirty.size === 0) return;
  const id = await lease.id();
  for (const batch of batchesOf([...dirty])) {
    const operations = batch.map((tail) => heardMark(tail, server, id));
    await store.transact({ compares: [], operations });
    for (const tail of batch) dirty.delete(tail);
  }
}

/**
 * Tells of those that fell silent here. A mark that another server wrote meanwhile says that it renews there: then nothing is told, since the
 * mark is compared. Without a lease, so that what was said outlives this server.
 */
async function markSilent(parts: Parts): Promise<void> {
  const { options, hearing } = parts;
  const { clock, copy, store, log, server } = options;
  const silent = hearing.silent(clock.monotonicMs());
  const mine = silent.filter((tail) => isRegistered(parts, tail) && copy.mark(tail)?.server === server);
  const others = new Set(mine);
  for (const tail of silent) if (!others.has(tail)) hearing.forget(tail);
  const value = encodeAlive({ server, silentSinceMs: clock.now().getTime() });
  for (const batch of batchesOf(mine)) {
    const transaction: Transaction = {
      compares: batch.map((tail) => ({
        kind: 'mod-revision',
        key: keyOf(tail),
        equals: copy.mark(tail)?.modRevision ?? 0,
      })),
      operations: batch.map((tail) => ({ kind: 'put', key: keyOf(tail), value })),
    };
    // After a conflict the next look sees who renews elsewhere.
    if ((await store.transact(transaction)).kind === 'conflict') continue;
    log.info('registered instances fell silent', { count: batch.length, first: batch[0] });
    for (const tail of batch) hearing.forget(tail);
  }
}

function batchesOf(tails: readonly string[]): readonly (readonly string[])[] {
  return Array.from({ length: Math.ceil(tails.length / BATCH) }, (_, index) =>
    tails.slice(index * BATCH, (index + 1) * BATCH),
  );
}
