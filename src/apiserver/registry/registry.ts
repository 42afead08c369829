/** Owns changing registrations for whoever speaks a protocol: each change compared with what it was made from. Must not know protocols. */
import { SluiceError } from '../../errors.ts';
import { createBell } from '../../host/bell.ts';
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import { encodeRegistration } from '../../model/records-registration.ts';
import type { Registration } from '../../model/registration.ts';
import { isOutdated } from '../../registry/lifecycle.ts';
import { aliveKey, registrationKey } from '../../store/keys.ts';
import { unavailable } from '../../store/failure.ts';
import type { InformerChange } from '../../store/informer-options.ts';
import type { KeyValue, Operation, Store, TransactionResult } from '../../store/store.ts';
import { keyParts, readValue } from '../access/families.ts';
import type { WatchCache } from '../cache/watch-cache.ts';
import { createRegistryCopy, type RegistryCopy } from './copy.ts';
import { startAllocating } from './allocating.ts';
import { type Drawing, startDrawing } from './drawing.ts';
import type { Due } from './due.ts';
import { type Renewals, startRenewals } from './renewals.ts';

/** Attempts against others who change the same registration. */
const MAX_ATTEMPTS = 5;
/** How long a change may take to come back by the watch. */
const REACH_MS = 1_000;

/** A registration's name. */
export type RegistrationName = Pick<Registration, 'app' | 'id'>;

/** What a change makes of a registration; the same object: nothing; undefined: it goes. */
export type RegistrationChange = (before: Registration | undefined) => Registration | undefined;

/** The registry of one API server. */
export interface Registry {
  readonly copy: RegistryCopy;
  /**
   * Changes one registration; this server's copy has it when it returns, and those that draw from the app follow.
   * @returns what it was
   * @throws SluiceError `unavailable`, `unknown`, `conflict`; what `change` throws
   */
  readonly change: (name: RegistrationName, change: RegistrationChange) => Promise<Registration | undefined>;
  /**
   * A heartbeat. @param dirtyMs when the instance last changed, as it says; 0: it does not say
   * @returns false: it must register again
   * @throws SluiceError `unavailable` if it is not known and the store cannot be asked
   */
  readonly renew: (name: RegistrationName, dirtyMs: number) => Promise<boolean>;
  /** True once everything was listed. */
  readonly isListed: () => boolean;
  readonly renewing: () => number;
  readonly close: () => Promise<void>;
}

/** What it needs. */
export interface RegistryOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** A fresh request id each call. */
  readonly newId: () => string;
  /** Name of this start of the server. */
  readonly server: string;
}

/** A registry that waits for its copy: `take` is the watch cache's to call, `start` follows when there is one. */
export interface RegistryBegin {
  readonly take: (change: InformerChange, items: ReadonlyMap<string, KeyValue>) => void;
  readonly start: (cache: WatchCache) => Registry;
}

/** Begins. */
export function beginRegistry(options: RegistryOptions): RegistryBegin {
  let drawing: Drawing | undefined;
  let allocating: Due | undefined;
  const copy = createRegistryCopy(options, {
    onTouched: (service) => drawing?.touched(service),
    onApp: (app) => allocating?.later(app),
  });
  return {
    take: copy.take,
    start: (cache) => {
      const { clock } = options;
      drawing = startDrawing({ ...options, cache, copy: () => copy, bell: createBell(clock) });
      const onPublished = drawing.now;
      allocating = startAllocating({
        ...options,
        cache,
        copy: () => copy,
        bell: createBell(clock),
        onPublished,
      });
      const renewals = startRenewals({ ...options, copy, bell: createBell(clock) });
      return registryOf({ options, cache, copy, drawing, allocating, renewals });
    },
  };
}

interface Parts {
  readonly options: RegistryOptions;
  readonly cache: WatchCache;
  readonly copy: RegistryCopy;
  readonly drawing: Drawing;
  readonly allocating: Due;
  readonly renewals: Renewals;
}

const tailOf = ({ app, id }: RegistrationName): string => registrationKey(app, id).slice('app/'.length);

function registryOf(parts: Parts): Registry {
  const { cache, copy, drawing, allocating, renewals } = parts;
  return {
    copy,
    change: (name, change) => changeOne(parts, name, change),
    renew: async (name, dirtyMs) => {
      const known = copy.catalog.find(name.app, name.id) ?? (await lookAgain(parts, name));
      if (known === undefined || isOutdated(known.registration, dirtyMs)) return false;
      // It renews elsewhere as well, perhaps, but what is known here came from there: it must say itself that it is here.
      if (known.registration.source !== undefined) return false;
      renewals.heard(tailOf(name), known.registration.durationSeconds);
      return true;
    },
    isListed: () => cache.state().lists > 0,
    renewing: renewals.size,
    close: async () => {
      await Promise.all([drawing.close(), allocating.close(), renewals.close()]);
    },
  };
}

/** Registered a moment ago at another server, perhaps: the store knows. */
async function lookAgain({ options, cache, copy }: Parts, { app, id }: RegistrationName) {
  const { item } = await options.store.get(registrationKey(app, id));
  if (item !== undefined) await cache.reached(item.modRevision, REACH_MS);
  return copy.catalog.find(app, id);
}

async function changeOne(
  parts: Parts,
  name: RegistrationName,
  change: RegistrationChange,
): Promise<Registration | undefined> {
  const { options, cache, copy, drawing, allocating, renewals } = parts;
  if (cache.state().lists === 0) {
    throw unavailable('the API server has not listed it yet', { store: options.store.description });
  }
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const before = copy.catalog.find(name.app, name.id)?.registration;
    const after = change(before);
    if (after === undefined || after.source !== undefined) renewals.forget(tailOf(name));
    else if (after === before) renewals.heard(tailOf(name), after.durationSeconds);
    if (after === before) return before;
    const answer = await write(parts, name, after);
    await cache.reached(answer.revision, REACH_MS);
    if (answer.kind === 'conflict') continue;
    if (after?.source === undefined && after !== undefined)
      renewals.heard(tailOf(name), after.durationSeconds);
    drawing.now(name.app);
    allocating.now(name.app);
    return before;
  }
  throw new SluiceError(
    'conflict',
    `registration ${name.id} of ${name.app} is changed by others all the time`,
    {
      why: `${MAX_ATTEMPTS} attempts met changes of others`,
      fix: 'try again',
      details: { written: false },
    },
  );
}

/** Sends it once; a lease that ended just now counts as a conflict. */
async function write(
  { options, cache, renewals }: Parts,
  name: RegistrationName,
  after: Registration | undefined,
): Promise<TransactionResult> {
  const key = registrationKey(name.app, name.id);
  // Of the key, not of the registration: one that cannot be read is overwritten.
  const equals = cache.item(key)?.modRevision ?? 0;
  const operations = await operationsOf(renewals, name, after);
  try {
    return await options.store.transact({
      compares: [{ kind: 'mod-revision', key, equals }],
      operations,
    });
  } catch (error) {
    if (!(error instanceof SluiceError) || error.details['leaseLost'] !== true) throw error;
    renewals.leaseLost();
    return { kind: 'conflict', revision: cache.state().revision };
  }
}

async function operationsOf(
  renewals: Renewals,
  { app, id }: RegistrationName,
  after: Registration | undefined,
): Promise<readonly Operation[]> {
  const key = registrationKey(app, id);
  if (after === undefined) {
    return [
      { kind: 'delete', key },
      { kind: 'delete', key: aliveKey(app, id) },
    ];
  }
  const value = encodeRegistration(after);
  // Nothing is written that could not be read again.
  readValue(keyParts(key), value);
  if (after.source !== undefined) {
    return [
      { kind: 'put', key, value },
      { kind: 'delete', key: aliveKey(app, id) },
    ];
  }
  const mark = await renewals.markOf(tailOf({ app, id }));
  return [{ kind: 'put', key, value }, mark];
}
