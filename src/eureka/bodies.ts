/**
 * Owns the bodies that clients fetch, as JSON or XML. What does not change is made once: the text of an app stays with the app's object, which
 * the catalog replaces when one of its instances changes. Pure but for what it keeps.
 */
import type { RegisteredStatus, Registration } from '../model/registration.ts';
import type { App, Registered } from '../registry/catalog.ts';
import type { RecentChange, RegistryAction } from '../registry/recent.ts';
import { hashCode } from './hash-code.ts';
import { instanceTree, type Tree } from './instance-tree.ts';
import { xmlElement } from './xml-text.ts';

/** How a body is written. */
export type BodyForm = 'json' | 'xml';

type Counts = ReadonlyMap<RegisteredStatus, number>;

/** Writes bodies. */
export interface Bodies {
  /** All apps, or those given. */
  readonly applications: (apps: readonly App[], counts: Counts) => string;
  /** Only what changed; `counts` are those of all. */
  readonly delta: (changes: readonly RecentChange[], counts: Counts) => string;
  readonly application: (app: App) => string;
  readonly instance: (registration: Registration) => string;
}

/** The reference server counts its deltas; clients read the number and do nothing with it. */
const DELTA_VERSION = '1';

const appTree = (name: string, instances: readonly Tree[]): Tree => ({ name, instance: instances });

/** Apps with only some of their instances, in order of names. @param write an instance in the form that is written */
function grouped(changes: readonly RecentChange[], write: (tree: Tree) => Tree): readonly Tree[] {
  const byApp = new Map<string, Tree[]>();
  for (const { registration, action } of changes) {
    const list = byApp.get(registration.app) ?? [];
    byApp.set(registration.app, list);
    list.push(write(instanceTree(registration, action)));
  }
  return [...byApp.keys()].toSorted().map((name) => appTree(name, byApp.get(name) ?? []));
}

const jsonWhole = (counts: Counts, apps: string): string =>
  `{"applications":{"versions__delta":"${DELTA_VERSION}","apps__hashcode":"${hashCode(counts)}","application":${apps}}}`;

function jsonBodies(): Bodies {
  const known = new WeakMap<Registered, string>();
  const knownApps = new WeakMap<App, string>();
  const ofInstance = (registered: Registered): string => {
    const text = known.get(registered) ?? JSON.stringify(instanceTree(registered.registration, 'ADDED'));
    known.set(registered, text);
    return text;
  };
  const ofApp = (app: App): string => {
    const text =
      knownApps.get(app) ??
      `{"name":${JSON.stringify(app.name)},"instance":[${app.instances.map(ofInstance).join(',')}]}`;
    knownApps.set(app, text);
    return text;
  };
  return {
    applications: (apps, counts) => jsonWhole(counts, `[${apps.map(ofApp).join(',')}]`),
    delta: (changes, counts) => jsonWhole(counts, JSON.stringify(grouped(changes, (tree) => tree))),
    application: (app) => `{"application":${ofApp(app)}}`,
    instance: (registration) => JSON.stringify({ instance: instanceTree(registration, 'ADDED') }),
  };
}

/** The one field that XML writes otherwise. */
function xmlTree(tree: Tree): Tree {
  const { overriddenStatus, ...rest } = tree;
  return { ...rest, overriddenstatus: overriddenStatus };
}

const xmlInstance = (registration: Registration, action: RegistryAction): Tree =>
  xmlTree(instanceTree(registration, action));

const xmlApp = ({ name, instances }: App): Tree =>
  appTree(
    name,
    instances.map(({ registration }) => xmlInstance(registration, 'ADDED')),
  );

const xmlWhole = (counts: Counts, apps: readonly Tree[]): string =>
  xmlElement('applications', {
    versions__delta: DELTA_VERSION,
    apps__hashcode: hashCode(counts),
    application: apps,
  });

const XML_BODIES: Bodies = {
  applications: (apps, counts) => xmlWhole(counts, apps.map(xmlApp)),
  delta: (changes, counts) => xmlWhole(counts, grouped(changes, xmlTree)),
  application: (app) => xmlElement('application', xmlApp(app)),
  instance: (registration) => xmlElement('instance', xmlInstance(registration, 'ADDED')),
};

/** Writers of both forms. */
export function createBodies(): Readonly<Record<BodyForm, Bodies>> {
  return { json: jsonBodies(), xml: XML_BODIES };
}
