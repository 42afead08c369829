/** Owns reading what a server of the protocol answers to a fetch, as JSON: all apps, or what changed. Forgiving where servers differ. Pure. */
import { appNameOf } from '../model/registration.ts';
import type { RegistryAction } from '../registry/recent.ts';
import { isTree, type Tree } from './instance-tree.ts';
import { type ReadInstance, readInstance } from './read-instance.ts';

/** One instance of an answer. */
export interface FetchedInstance {
  /** `<app>/<id>`; also of what cannot be read. */
  readonly key: string;
  /** As it counts in the hash code. */
  readonly status: string;
  readonly action: RegistryAction;
  readonly read: ReadInstance;
}

/** An answer. */
export interface Fetched {
  /** The hash code of all, as the server says; undefined: it does not. */
  readonly hashCode: string | undefined;
  readonly instances: readonly FetchedInstance[];
}

/** A list, or the one item that some writers write instead of a list of one. */
const listOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];

const textIn = (tree: Tree, name: string): string => {
  const value = tree[name];
  return typeof value === 'string' ? value : '';
};

function actionOf(tree: Tree): RegistryAction {
  const action = textIn(tree, 'actionType');
  return action === 'DELETED' || action === 'MODIFIED' ? action : 'ADDED';
}

function instanceOf(app: string, value: unknown): FetchedInstance {
  const tree = isTree(value) ? value : {};
  const read = readInstance(app, { instance: tree });
  const id = read.kind === 'instance' ? read.request.id : textIn(tree, 'instanceId');
  const status = textIn(tree, 'status') || 'UP';
  return { key: `${appNameOf(app) ?? app}/${id}`, status, action: actionOf(tree), read };
}

/** Reads an answer; undefined if it is none. */
export function readApplications(body: unknown): Fetched | undefined {
  const all = isTree(body) ? body['applications'] : undefined;
  if (!isTree(all)) return undefined;
  const hash = all['apps__hashcode'];
  const instances = listOf(all['application']).flatMap((app) =>
    isTree(app) ? listOf(app['instance']).map((one) => instanceOf(textIn(app, 'name'), one)) : [],
  );
  return { hashCode: typeof hash === 'string' ? hash : undefined, instances };
}
