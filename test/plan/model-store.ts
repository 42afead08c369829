/** Owns a model of the store's services for plan tests: applies a plan as one transaction would. */
import { formatEntry } from '../../src/model/entry.ts';
import {
  decodeInstance,
  decodeService,
  encodeInstance,
  encodeService,
} from '../../src/model/records-service.ts';
import type { Raw } from '../../src/model/records.ts';
import type { Instance, Service, Stored } from '../../src/model/service.ts';
import type { Change, Plan, StoredService } from '../../src/plan/plan.ts';

interface Row {
  readonly json: string;
  readonly createRevision: number;
  readonly modRevision: number;
}

/** Keys of one service as stored JSON, with the head revision. */
export interface ModelStore {
  readonly revision: number;
  readonly service: Row | undefined;
  readonly instances: ReadonlyMap<string, Row>;
  readonly claims: ReadonlySet<string>;
}

/** Nothing stored. */
export const EMPTY: ModelStore = { revision: 1, service: undefined, instances: new Map(), claims: new Set() };

/** The service as a planner gets it: everything went through its stored form. */
export function storedOf(store: ModelStore, name: string): StoredService | undefined {
  if (store.service === undefined) return undefined;
  const { json, ...revisions } = store.service;
  const instances = [...store.instances].map(([id, row]) => ({
    ...decodeInstance(name, id, row.json),
    createRevision: row.createRevision,
    modRevision: row.modRevision,
  }));
  return { service: { ...decodeService(name, json), ...revisions }, instances };
}

/** A thing as stored at a revision, for tables. */
export function stored<T extends Service | Instance>(
  value: T,
  createRevision: number,
  raw: Raw = {},
): Stored<T> {
  return { value, createRevision, modRevision: createRevision, raw };
}

function applyChange(
  change: Change,
  store: { service: Row | undefined; instances: Map<string, Row> },
  revision: number,
): void {
  const fresh = { createRevision: revision, modRevision: revision };
  switch (change.kind) {
    case 'create-service':
      store.service = { json: encodeService(change.after), ...fresh };
      return;
    case 'update-service':
      store.service = {
        json: encodeService(change.after, change.before.raw),
        ...fresh,
        createRevision: change.before.createRevision,
      };
      return;
    case 'delete-service':
      store.service = undefined;
      return;
    case 'add-instance':
      if (store.instances.has(change.after.id)) throw new Error(`added twice: ${change.after.id}`);
      store.instances.set(change.after.id, { json: encodeInstance(change.after), ...fresh });
      return;
    case 'update-instance':
      if (!store.instances.has(change.after.id)) throw new Error(`updated but not there: ${change.after.id}`);
      store.instances.set(change.after.id, {
        json: encodeInstance(change.after, change.before.raw),
        ...fresh,
        createRevision: change.before.createRevision,
      });
      return;
    case 'remove-instance':
      if (!store.instances.delete(change.before.value.id))
        throw new Error(`removed but not there: ${change.before.value.id}`);
  }
}

/** The store after the plan's transaction. */
export function applied(store: ModelStore, plan: Plan): ModelStore {
  if (plan.baseRevision !== store.revision) throw new Error('planned from another revision');
  const next = { service: store.service, instances: new Map(store.instances) };
  const revision = store.revision + 1;
  for (const change of plan.changes) applyChange(change, next, revision);
  const claims = new Set(store.claims);
  for (const entry of plan.releases.map(formatEntry))
    if (!claims.delete(entry)) throw new Error(`released ${entry}`);
  for (const entry of plan.claims.map(formatEntry)) {
    if (claims.has(entry)) throw new Error(`claimed twice: ${entry}`);
    claims.add(entry);
  }
  return { revision, ...next, claims };
}
