/** Owns the set of all registrations by app, how many there are of each status, and what changes with each change. Pure but for its own state. */
import { type Registration, type RegisteredStatus, statusOf } from '../model/registration.ts';

/** A registration with the revision of its key. */
export interface Registered {
  readonly registration: Registration;
  readonly modRevision: number;
}

/** The registrations of one app; another object after every change of one of them. */
export interface App {
  readonly name: string;
  /** By id, in order of ids. */
  readonly instances: readonly Registered[];
}

/** All registrations. */
export interface Catalog {
  /** Takes one in. @returns what it was before */
  readonly put: (registered: Registered) => Registration | undefined;
  /** @returns what it was before */
  readonly remove: (app: string, id: string) => Registration | undefined;
  readonly find: (app: string, id: string) => Registered | undefined;
  /** Of any app: the first by name of the app. */
  readonly withId: (id: string) => Registered | undefined;
  readonly app: (name: string) => App | undefined;
  /** In order of names. */
  readonly apps: () => readonly App[];
  /** How many count as each status; statuses that none has are left out. */
  readonly counts: () => ReadonlyMap<RegisteredStatus, number>;
  readonly size: () => number;
  /** Another number after every change. */
  readonly version: () => number;
}

interface Group {
  readonly byId: Map<string, Registered>;
  /** Undefined: to be made anew. */
  app: App | undefined;
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function appOf(name: string, group: Group): App {
  if (group.app !== undefined) return group.app;
  const instances = [...group.byId.values()].toSorted((a, b) =>
    compareText(a.registration.id, b.registration.id),
  );
  group.app = { name, instances };
  return group.app;
}

/** No registrations. */
export function createCatalog(): Catalog {
  const groups = new Map<string, Group>();
  const counts = new Map<RegisteredStatus, number>();
  let [size, version] = [0, 0];
  const count = (registration: Registration, by: number): void => {
    const status = statusOf(registration);
    const left = (counts.get(status) ?? 0) + by;
    if (left === 0) counts.delete(status);
    else counts.set(status, left);
    size += by;
  };
  const names = (): readonly string[] => [...groups.keys()].toSorted(compareText);
  const find = (app: string, id: string): Registered | undefined => groups.get(app)?.byId.get(id);
  return {
    find,
    put: (registered) => {
      const { registration } = registered;
      const group = groups.get(registration.app) ?? { byId: new Map<string, Registered>(), app: undefined };
      groups.set(registration.app, group);
      const before = group.byId.get(registration.id)?.registration;
      if (before !== undefined) count(before, -1);
      count(registration, 1);
      group.byId.set(registration.id, registered);
      group.app = undefined;
      version += 1;
      return before;
    },
    remove: (app, id) => {
      const group = groups.get(app);
      const before = group?.byId.get(id)?.registration;
      if (group === undefined || before === undefined) return undefined;
      count(before, -1);
      group.byId.delete(id);
      group.app = undefined;
      if (group.byId.size === 0) groups.delete(app);
      version += 1;
      return before;
    },
    withId: (id) => names().flatMap((app) => find(app, id) ?? [])[0],
    app: (name) => {
      const group = groups.get(name);
      return group === undefined ? undefined : appOf(name, group);
    },
    apps: () =>
      names().flatMap((name) => {
        const group = groups.get(name);
        return group === undefined ? [] : [appOf(name, group)];
      }),
    counts: () => counts,
    size: () => size,
    version: () => version,
  };
}
