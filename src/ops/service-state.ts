/** Owns reading what a write depends on: one service with its instances at one revision, and who holds entries. */
import type { Entry } from '../model/entry.ts';
import { decodeEntryClaim } from '../model/records-service.ts';
import type { Instance, Stored } from '../model/service.ts';
import type { StoredService } from '../plan/plan.ts';
import { entryKey, instancesOf, serviceKey } from '../store/keys.ts';
import { readInstanceItem, readServiceItem, whyInvalid } from '../store/snapshot.ts';
import type { CallOptions, KeyValue, Store } from '../store/store.ts';
import type { InvalidRecord } from './views.ts';

/** A service as it is in the store, whatever is there. */
export interface ServiceState {
  readonly name: string;
  /** Store revision of the reading. */
  readonly revision: number;
  /** Undefined if there is no such service, or if its record cannot be read. */
  readonly stored: StoredService | undefined;
  /** Of the service's key, also if it cannot be read; 0 if there is none. */
  readonly modRevision: number;
  /**
   * Keys below `instance/<service>/` that belong to nothing: records that cannot be read, or instances without a service. Managed ones are
   * the leader's to delete, when they have been stopped.
   */
  readonly strayKeys: readonly string[];
  readonly invalid: readonly InvalidRecord[];
}

/** Who holds an entry. */
export interface Holder {
  readonly service: string;
  /** Of the claim's key. */
  readonly modRevision: number;
}

interface ReadItem<T> {
  readonly item: KeyValue;
  readonly stored: T | undefined;
  readonly why: string;
}

function tryRead<T>(item: KeyValue, read: (item: KeyValue) => T): ReadItem<T> {
  try {
    return { item, stored: read(item), why: '' };
  } catch (error) {
    return { item, stored: undefined, why: whyInvalid(error) };
  }
}

/** Reads a service with its instances, all at one revision. @throws SluiceError `unavailable`, `permission` */
export async function readServiceState(
  store: Store,
  name: string,
  options: CallOptions = {},
): Promise<ServiceState> {
  const { revision, item } = await store.get(serviceKey(name), options);
  const listing = await store.list(instancesOf(name), { ...options, revision });
  const service = item === undefined ? undefined : tryRead(item, (found) => readServiceItem(name, found));
  const instances = listing.items.map((found) =>
    tryRead(found, (one): Stored<Instance> => readInstanceItem(name, one)),
  );
  const good = instances.flatMap(({ stored }) => (stored === undefined ? [] : [stored]));
  const bad = [service, ...instances].filter((read) => read !== undefined && read.stored === undefined);
  const orphaned = service?.stored === undefined;
  return {
    name,
    revision,
    stored: service?.stored === undefined ? undefined : { service: service.stored, instances: good },
    modRevision: item?.modRevision ?? 0,
    strayKeys: instances
      .filter(({ stored }) => stored === undefined || (orphaned && stored.value.origin !== 'managed'))
      .map((read) => read.item.key),
    invalid: bad.flatMap((read) => (read === undefined ? [] : [{ key: read.item.key, why: read.why }])),
  };
}

/**
 * Who holds each of the entries; free ones are left out. A claim that cannot be read is held by nobody that could be named: ''.
 * @returns by the entry's canonical text
 */
export async function readHolders(
  store: Store,
  entries: readonly Entry[],
  options: CallOptions = {},
): Promise<ReadonlyMap<string, Holder>> {
  const found = await Promise.all(entries.map((entry) => store.get(entryKey(entry), options)));
  return new Map(
    found.flatMap(({ item }) => {
      if (item === undefined) return [];
      const text = item.key.slice('entry/'.length);
      const claim = tryRead(item, ({ value }) => decodeEntryClaim(text, value).value.service);
      return [[text, { service: claim.stored ?? '', modRevision: item.modRevision }] as const];
    }),
  );
}

/** Revision of the last change of a service or one of its instances: what agents must have applied. 0 if there is nothing. */
export function lastRevisionOf(state: ServiceState): number {
  const instances = state.stored?.instances ?? [];
  return instances.reduce((latest, { modRevision }) => Math.max(latest, modRevision), state.modRevision);
}
