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

/** Writes bodies. */
export interface Bodies {
  /** All apps, or those given. */
  readonly applications: (apps: readonly App[], counts: ReadonlyMap<RegisteredStatus, number>) => string;
  /** Only what changed; `counts` are those of all. */
  readonly delta: (
    changes: readonly RecentChange[],
    counts: ReadonlyMap<RegisteredStatus, number>,
  ) => string;
  readonly application: (app: App) => string;
  readonly instance: (registration: Registration) => string;
}

/** The reference server counts its deltas; clients read the number and do nothing with it. */
const DELTA_VERSION = '1';

const appTree = (name: string, instances: readonly Tree[]): Tree => ({ name, instance: instances });

/** Apps with only some of their instances, in order of names. */
function grouped(changes: readonly RecentChange[]): readonly Tree[] {
  const byApp = new Map<string, Tree[]>();
  for (const { registration, action } of changes) {
    const list = byApp.get(registration.app) ?? [];
    byApp.set(registration.app, list);
    list.push(instanceTree(registration, action));
  }
  return [...byApp.keys()].toSorted().map((name) => appTree(name, byApp.get(name) ?? []));
}

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
  const whole = (counts: ReadonlyMap<RegisteredStatus, number>, apps: string): string =>
    `{"applications":{"versions__delta":"${DELTA_VERSION}","apps__hashcode":"${hashCode(counts)}","application":${apps}}}`;
  return {
    applications: (apps, counts) => whole(counts, `[${apps.map(ofApp).join(',')}]`),
    delta: (changes, counts) => whole(counts, JSON.stringify(grouped(changes))),
    application: (app) => `{"application":${ofApp(app)}}`,
    instance: (registration) => JSON.stringify({ instance: instanceTree(registration, 'ADDED') }),
  };
}

/** The one field that XML writes otherwise. */
function xmlTree(tree: Tree): Tree {
  const { overriddenStatus, ...rest } = tree;
  return { ...rest, overriddenstatus: overriddenStatus };
}

function xmlBodies(): Bodies {
  const tree = (registration: Registration, action: RegistryAction): Tree =>
    xmlTree(instanceTree(registration, action));
  const ofApp = ({ name, instances }: App): Tree =>
    appTree(
      name,
      instances.map(({ registration }) => tree(registration, 'ADDED')),
    );
  const whole = (counts: ReadonlyMap<RegisteredStatus, number>, apps: readonly Tree[]): string =>
    xmlElement('applications', {
      versions__delta: DELTA_VERSION,
      apps__hashcode: hashCode(counts),
      application: apps,
    });
  const inXml = ({ name, instance }: Tree): Tree => ({
    name,
    instance: Array.isArray(instance) ? instance.map((one: Tree) => xmlTree(one)) : [],
  });
  return {
    applications: (apps, counts) => whole(counts, apps.map(ofApp)),
    delta: (changes, counts) => whole(counts, grouped(changes).map(inXml)),
    application: (app) => xmlElement('application', ofApp(app)),
    instance: (registration) => xmlElement('instance', tree(registration, 'ADDED')),
  };
}

/** Writers of both forms. */
export function createBodies(): Readonly<Record<BodyForm, Bodies>> {
  return { json: jsonBodies(), xml: xmlBodies() };
}
