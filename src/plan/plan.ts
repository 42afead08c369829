/** Owns the plan: desired against stored, as data that can be shown, guarded and turned into one transaction. Pure. */
import type { Entry } from '../model/entry.ts';
import type { Instance, Origin, Service, Stored } from '../model/service.ts';

/** A service as stored, with all its instances, read at one revision. */
export interface StoredService {
  readonly service: Stored<Service>;
  readonly instances: readonly Stored<Instance>[];
}

/** One change of a plan. */
export type Change =
  | { readonly kind: 'create-service'; readonly after: Service }
  | { readonly kind: 'update-service'; readonly before: Stored<Service>; readonly after: Service }
  | { readonly kind: 'delete-service'; readonly before: Stored<Service> }
  | { readonly kind: 'add-instance'; readonly after: Instance }
  | { readonly kind: 'update-instance'; readonly before: Stored<Instance>; readonly after: Instance }
  | { readonly kind: 'remove-instance'; readonly before: Stored<Instance> };

/** What a plan takes away: the reason why it asks for consent. */
export type Narrowing =
  | { readonly kind: 'removes-instances'; readonly ids: readonly string[]; readonly of: number }
  | { readonly kind: 'moves-entries'; readonly entries: readonly Entry[] }
  /** The last ones that get connections. */
  | { readonly kind: 'drains-instances'; readonly ids: readonly string[] }
  /** Of managed services. */
  | { readonly kind: 'fewer-replicas'; readonly from: number; readonly to: number }
  /** From listed instances to ones that are started, or back. */
  | { readonly kind: 'changes-origin'; readonly to: Origin }
  | { readonly kind: 'deletes-service' };

/** What to do to one service, and what it takes. Sorted and deterministic. */
export interface Plan {
  readonly service: string;
  /** Where its instances come from after the plan. */
  readonly origin: Origin;
  /** Store revision that the plan was made from. */
  readonly baseRevision: number;
  readonly outcome: 'created' | 'updated' | 'unchanged' | 'deleted';
  /** Empty exactly if the outcome is `unchanged`. */
  readonly changes: readonly Change[];
  /** Entries to claim and to release in the same transaction. */
  readonly claims: readonly Entry[];
  readonly releases: readonly Entry[];
  readonly narrowing: readonly Narrowing[];
  /** The full set of instances after the plan, oldest first: for showing shares. */
  readonly after: readonly Instance[];
}
