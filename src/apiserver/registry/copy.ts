/**
 * Owns what an API server knows of the registry: registrations, the marks of their renewals, what changed lately, and which services draw from
 * which app. Made from the watch cache alone, so that all of it is of one revision. Must not write.
 */
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import type { Alive } from '../../model/registration.ts';
import { decodeAlive, decodeRegistration, registrationOfTail } from '../../model/records-registration.ts';
import { type Catalog, createCatalog } from '../../registry/catalog.ts';
import { createRecent, KEPT_MS, type Recent } from '../../registry/recent.ts';
import type { InformerChange } from '../../store/informer-options.ts';
import { readServiceItem, whyInvalid } from '../../store/snapshot.ts';
import type { KeyValue } from '../../store/store.ts';

/** A mark with the revision of its key. */
export interface Mark extends Alive {
  readonly modRevision: number;
}

/** The copy. */
export interface RegistryCopy {
  readonly catalog: Catalog;
  readonly recent: Recent;
  /** By the tail of the key, `<app>/<id>`. */
  readonly mark: (tail: string) => Mark | undefined;
  /** Services that draw from an app. */
  readonly drawers: (app: string) => readonly string[];
  /** The app that a service draws from. */
  readonly drawsFrom: (service: string) => string | undefined;
  /** Takes over what changed. */
  readonly take: (change: InformerChange, items: ReadonlyMap<string, KeyValue>) => void;
}

/** What it tells. Called after the copy has the change; must not throw. */
export interface RegistryTellings {
  /** What a service's instances follow from is not what it was. */
  readonly onTouched: (service: string) => void;
  /** What an app's entry follows from is not what it was. */
  readonly onApp: (app: string) => void;
}

interface State {
  readonly catalog: Catalog;
  readonly recent: Recent;
  readonly marks: Map<string, Mark>;
  readonly apps: Map<string, string>;
  readonly touched: Set<string>;
  readonly touchedApps: Set<string>;
}

/** Reads a record; one that cannot be read counts as none. */
function readable<T>(log: Log, key: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    log.warn('a stored record cannot be read', { key, why: whyInvalid(error) });
    return undefined;
  }
}

/** An empty copy. */
export function createRegistryCopy(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  tell: RegistryTellings,
): RegistryCopy {
  const [catalog, recent] = [createCatalog(), createRecent()];
  const state: State = {
    catalog,
    recent,
    marks: new Map(),
    apps: new Map(),
    touched: new Set(),
    touchedApps: new Set(),
  };
  const drawers = (app: string): readonly string[] =>
    [...state.apps].flatMap(([service, one]) => (one === app ? [service] : []));
  const takers = takersOf(state, { clock, log, drawers });
  return {
    catalog,
    recent,
    mark: (tail) => state.marks.get(tail),
    drawers,
    drawsFrom: (service) => state.apps.get(service),
    take: (change, items) => {
      if (change.setBack) recent.clear();
      for (const key of change.keys) {
        const at = key.indexOf('/');
        takers[key.slice(0, at)]?.(key.slice(at + 1), items.get(key), change.cause);
      }
      for (const service of state.touched) tell.onTouched(service);
      state.touched.clear();
      for (const app of state.touchedApps) tell.onApp(app);
      state.touchedApps.clear();
    },
  };
}

type Taker = (tail: string, item: KeyValue | undefined, cause: InformerChange['cause']) => void;

interface TakerParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly drawers: (app: string) => readonly string[];
}

function takersOf(state: State, parts: TakerParts): Readonly<Record<string, Taker>> {
  const { apps, catalog, marks, touched, touchedApps } = state;
  const { log } = parts;
  return {
    app: takeRegistration(state, parts),
    alive: (tail, item) => {
      const alive = item && readable(log, item.key, () => decodeAlive(tail, item.value).value);
      if (item === undefined || alive === undefined) marks.delete(tail);
      else marks.set(tail, { ...alive, modRevision: item.modRevision });
    },
    allocation: (app) => void touchedApps.add(app),
    'entry-range': () => {
      for (const { name } of catalog.apps()) touchedApps.add(name);
    },
    service: (name, item) => {
      const before = apps.get(name);
      const service = item && readable(log, item.key, () => readServiceItem(name, item).value);
      if (service?.registry === undefined) apps.delete(name);
      else apps.set(name, service.registry);
      if (service?.registry !== undefined) touched.add(name);
      // It may have been the only one that drew from it.
      if (before !== undefined && before !== service?.registry) touchedApps.add(before);
    },
    instance: (tail) => {
      const service = tail.slice(0, tail.indexOf('/'));
      if (apps.has(service)) touched.add(service);
    },
  };
}

function takeRegistration(
  { catalog, recent, touched, touchedApps }: State,
  { clock, log, drawers }: TakerParts,
): Taker {
  return (tail, item, cause) => {
    const name = registrationOfTail(tail);
    if (name === undefined) return;
    const registration = item && readable(log, item.key, () => decodeRegistration(tail, item.value).value);
    const nowMs = clock.monotonicMs();
    if (item === undefined || registration === undefined) {
      const gone = catalog.remove(name.app, name.id);
      if (gone !== undefined) recent.add({ action: 'DELETED', registration: gone }, nowMs);
    } else {
      const before = catalog.put({ registration, modRevision: item.modRevision });
      // A server that has just begun tells as news what others wrote within the time for which news is kept.
      const isNews = before !== undefined || cause === 'events' || isFresh(registration.updatedMs, clock);
      const action = before === undefined ? 'ADDED' : 'MODIFIED';
      if (isNews) recent.add({ action, registration }, nowMs);
    }
    for (const service of drawers(name.app)) touched.add(service);
    touchedApps.add(name.app);
  };
}

const isFresh = (updatedMs: number, clock: Clock): boolean => clock.now().getTime() - updatedMs < KEPT_MS;
