/**
 * Owns what servers of the protocol send each other: a batch of what their clients said, and the answer with a status for each. Pure. Sluice
 * only takes such batches: what came from a server never goes on to another, so that nothing can go in circles.
 */
import type { RegisteredStatus } from '../model/registration.ts';
import { isRegisteredStatus } from '../model/registration.ts';
import { isTree, type Tree } from './instance-tree.ts';
import { type ReadInstance, readInstance } from './read-instance.ts';

/** Items of one batch that are read; the reference server sends 250 (maxBatchingSize). */
const MAX_ITEMS = 5_000;

/** One thing that a client said to another server. */
export type Replicated = {
  readonly app: string;
  readonly id: string;
  /** When the instance last changed, as it counts; 0: not said. */
  readonly dirtyMs: number;
} & (
  | { readonly action: 'Register'; readonly instance: ReadInstance }
  | { readonly action: 'Heartbeat' | 'Cancel' }
  | { readonly action: 'StatusUpdate'; readonly status: RegisteredStatus }
  | { readonly action: 'DeleteStatusOverride'; readonly status: RegisteredStatus | undefined }
  | { readonly action: 'unknown' }
);

const textIn = (tree: Tree, name: string): string => {
  const value = tree[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
};

const statusIn = (tree: Tree): RegisteredStatus | undefined => {
  const text = textIn(tree, 'status').toUpperCase();
  return isRegisteredStatus(text) ? text : undefined;
};

function itemOf(tree: Tree): Replicated {
  const [app, id, action] = [textIn(tree, 'appName'), textIn(tree, 'id'), textIn(tree, 'action')];
  const dirty = textIn(tree, 'lastDirtyTimestamp');
  const about = { app, id, dirtyMs: /^[0-9]{1,15}$/.test(dirty) ? Number(dirty) : 0 };
  const status = statusIn(tree);
  if (action === 'Register')
    return { ...about, action, instance: readInstance(app, { instance: tree['instanceInfo'] }) };
  if (action === 'Heartbeat' || action === 'Cancel') return { ...about, action };
  if (action === 'StatusUpdate' && status !== undefined) return { ...about, action, status };
  if (action === 'DeleteStatusOverride') return { ...about, action, status };
  return { ...about, action: 'unknown' };
}

/** Reads a batch; undefined if it is none, or too long. */
export function readBatch(body: unknown): readonly Replicated[] | undefined {
  const list = isTree(body) ? body['replicationList'] : undefined;
  if (!Array.isArray(list) || list.length > MAX_ITEMS) return undefined;
  return list.map((item: unknown) => itemOf(isTree(item) ? item : {}));
}

/** What became of one item, as the HTTP status of the request that it stands for. */
export interface ReplicatedAnswer {
  readonly statusCode: number;
  /** What this server knows better, where it does (409). */
  readonly responseEntity?: Tree | undefined;
}

/** The answer to a batch, in its order. */
export const batchAnswer = (answers: readonly ReplicatedAnswer[]): Tree => ({ responseList: answers });
