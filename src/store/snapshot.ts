/**
 * Owns turning stored keys into the snapshot that rules are made from: in full, and by what changed. A record that cannot be read is
 * never dropped in silence: it is reported, and where an earlier one of the same key was good, that one stays (what was forwarded is
 * forwarded on).
 */
import { readRaw } from '../model/records.ts';
import { type ComputedWeights, decodeComputedWeights } from '../model/computed-weights.ts';
import { decodeInstance, decodeService } from '../model/records-service.ts';
import type { Instance, Service, Stored } from '../model/service.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { SluiceError } from '../errors.ts';
import { LayeredMap } from '../model/layered-map.ts';
import { eachPaced, type Pace } from '../model/pace.ts';
import type { KeyValue, StoreEvent } from './store.ts';

/** A stored record that cannot be read. */
interface InvalidKey {
  readonly key: string;
  /** One line. */
  readonly why: string;
}

/** A snapshot with what could not be read, sorted by key. */
export interface SnapshotView {
  readonly snapshot: Snapshot;
  readonly invalid: readonly InvalidKey[];
}

/** Records by the very item that they were read from, for who reads one copy again and again; what is gone from the copy goes from here too. */
export interface ReadRecords {
  readonly services: WeakMap<KeyValue, Stored<Service>>;
  readonly instances: WeakMap<KeyValue, Stored<Instance>>;
}

/** A key of the families that a snapshot is made of. */
type Name =
  | { readonly kind: 'service'; readonly service: string }
  | { readonly kind: 'weights'; readonly service: string }
  | { readonly kind: 'instance'; readonly service: string; readonly id: string };

const NO_WEIGHTS: ReadonlyMap<string, ComputedWeights> = new Map();
const EMPTY: SnapshotView = {
  snapshot: { revision: 0, services: new Map(), instances: new Map(), weights: NO_WEIGHTS },
  invalid: [],
};

/** What a key names, or undefined if the snapshot does not hold its family. */
function nameOf(key: string): Name | undefined {
  const [family, service = '', ...rest] = key.split('/');
  if (family === 'service' || family === 'weights')
    return { kind: family, service: [service, ...rest].join('/') };
  return family === 'instance' ? { kind: 'instance', service, id: rest.join('/') } : undefined;
}

/** True for keys that a snapshot is made of. */
export function isOfSnapshot(key: string): boolean {
  return key.startsWith('instance/') || key.startsWith('service/') || key.startsWith('weights/');
}

function storedOf<T>(
  item: KeyValue,
  decoded: { readonly value: T; readonly raw: Stored<T>['raw'] },
): Stored<T> {
  const { createRevision, modRevision } = item;
  return { value: decoded.value, createRevision, modRevision, raw: decoded.raw };
}

/** A stored thing of a snapshot: its JSON object is read again by whoever asks for it, since of 60,000 they would take 10 MB. */
class SnapshotRecord<T> implements Stored<T> {
  readonly value: T;
  readonly #item: KeyValue;

  constructor(value: T, item: KeyValue) {
    this.value = value;
    this.#item = item;
  }

  get createRevision(): number {
    return this.#item.createRevision;
  }

  get modRevision(): number {
    return this.#item.modRevision;
  }

  get raw(): Stored<T>['raw'] {
    return readRaw(this.#item.key, this.#item.value);
  }
}

/** Reads one service. @throws SluiceError `failed` naming key and field */
export function readServiceItem(name: string, item: KeyValue): Stored<Service> {
  return storedOf(item, decodeService(name, item.value));
}

/** Reads one instance. @throws SluiceError `failed` naming key and field */
export function readInstanceItem(service: string, item: KeyValue): Stored<Instance> {
  const id = item.key.slice(`instance/${service}/`.length);
  return storedOf(item, decodeInstance(service, id, item.value));
}

/** Why a record cannot be read, one line. @throws the error itself if it is not about a record */
export function whyInvalid(error: unknown): string {
  if (!(error instanceof SluiceError)) throw error;
  return error.why === undefined ? error.message : `${error.message}: ${error.why}`;
}

/** A snapshot being changed: what changes is collected, each touched service's instances by id. */
class Draft {
  private readonly base: SnapshotView;
  private readonly read: ReadRecords | undefined;
  private readonly services = new Map<string, Stored<Service> | undefined>();
  private readonly weights = new Map<string, ComputedWeights | undefined>();
  private readonly touched = new Map<string, Map<string, Stored<Instance>>>();
  private invalid: Map<string, string> | undefined;

  constructor(base: SnapshotView, read?: ReadRecords) {
    this.base = base;
    this.read = read;
  }

  put(item: KeyValue, name: Name): void {
    try {
      const { service } = name;
      if (name.kind === 'service') this.services.set(service, this.serviceIn(item, service));
      else if (name.kind === 'weights')
        this.weights.set(service, decodeComputedWeights(service, item.value).value);
      else this.instancesOf(service).set(name.id, this.instanceIn(item, service));
      this.clearInvalid(item.key);
    } catch (error) {
      const why = whyInvalid(error);
      this.invalid ??= new Map(this.base.invalid.map((known) => [known.key, known.why]));
      this.invalid.set(item.key, why);
    }
  }

  remove(key: string, name: Name): void {
    if (name.kind === 'service') this.services.set(name.service, undefined);
    else if (name.kind === 'weights') this.weights.set(name.service, undefined);
    else this.instancesOf(name.service).delete(name.id);
    this.clearInvalid(key);
  }

  finish(revision: number): SnapshotView {
    const { snapshot, invalid } = this.base;
    const instances = [...this.touched].map(
      ([service, byId]) => [service, byId.size === 0 ? undefined : [...byId.values()]] as const,
    );
    const sorted = [...(this.invalid ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return {
      snapshot: {
        revision,
        services: LayeredMap.with(snapshot.services, this.services),
        instances: LayeredMap.with(snapshot.instances, new Map(instances)),
        weights: LayeredMap.with(snapshot.weights ?? NO_WEIGHTS, this.weights),
      },
      invalid: this.invalid === undefined ? invalid : sorted.map(([key, why]) => ({ key, why })),
    };
  }

  private serviceIn(item: KeyValue, name: string): Stored<Service> {
    const known = this.read?.services.get(item);
    if (known !== undefined) return known;
    const stored = new SnapshotRecord(readServiceItem(name, item).value, item);
    this.read?.services.set(item, stored);
    return stored;
  }

  private instanceIn(item: KeyValue, service: string): Stored<Instance> {
    const known = this.read?.instances.get(item);
    if (known !== undefined) return known;
    const stored = new SnapshotRecord(readInstanceItem(service, item).value, item);
    this.read?.instances.set(item, stored);
    return stored;
  }

  private clearInvalid(key: string): void {
    if (this.invalid === undefined && !this.base.invalid.some((known) => known.key === key)) return;
    this.invalid ??= new Map(this.base.invalid.map((known) => [known.key, known.why]));
    this.invalid.delete(key);
  }

  private instancesOf(service: string): Map<string, Stored<Instance>> {
    const known = this.touched.get(service);
    if (known !== undefined) return known;
    const list = this.base.snapshot.instances.get(service) ?? [];
    const byId = new Map(list.map((stored) => [stored.value.id, stored]));
    this.touched.set(service, byId);
    return byId;
  }
}

/**
 * The snapshot of a full listing; keys of other families are ignored.
 * @param revision store revision of the listing
 * @param previous what was known before: its good records stand in for ones that cannot be read any more
 */
export function snapshotOf(
  items: readonly KeyValue[],
  revision: number,
  previous: SnapshotView = EMPTY,
): SnapshotView {
  const fresh = snapshotAgain(items, revision);
  return fresh.invalid.length === 0 ? fresh : keepGood(fresh, previous.snapshot);
}

/** The snapshot of what is there alone. Of a copy that is read again and again: records are taken from `known` where their very items were read before, and put there. */
export function snapshotAgain(
  items: readonly KeyValue[],
  revision: number,
  known?: ReadRecords,
): SnapshotView {
  const draft = new Draft(EMPTY, known);
  for (const item of items) putIn(draft, item);
  return draft.finish(revision);
}

/** How a copy that is read again and again is read. */
export interface ReadingOptions {
  /** Of one copy of the store: records are taken from here where their very items were read before, and put here. */
  readonly known?: ReadRecords | undefined;
  readonly pace?: Pace | undefined;
}

/** The same of a copy, at a pace. */
export async function snapshotReading(
  items: readonly KeyValue[],
  revision: number,
  { known, pace }: ReadingOptions,
): Promise<SnapshotView> {
  const draft = new Draft(EMPTY, known);
  await eachPaced(items, pace, (item) => putIn(draft, item));
  return draft.finish(revision);
}

function putIn(draft: Draft, item: KeyValue): void {
  const name = nameOf(item.key);
  if (name !== undefined) draft.put(item, name);
}

/** Puts the earlier good records of broken keys back; they stay reported as invalid. */
function keepGood(fresh: SnapshotView, old: Snapshot): SnapshotView {
  const services = new Map(fresh.snapshot.services);
  const instances = new Map(fresh.snapshot.instances);
  const weights = new Map(fresh.snapshot.weights);
  for (const { key } of fresh.invalid) {
    const name = nameOf(key);
    if (name?.kind === 'service') {
      const good = old.services.get(name.service);
      if (good !== undefined) services.set(name.service, good);
    } else if (name?.kind === 'weights') {
      const good = old.weights?.get(name.service);
      if (good !== undefined) weights.set(name.service, good);
    } else if (name !== undefined) {
      const good = old.instances.get(name.service)?.find(({ value }) => value.id === name.id);
      if (good !== undefined) instances.set(name.service, [...(instances.get(name.service) ?? []), good]);
    }
  }
  return { snapshot: { ...fresh.snapshot, services, instances, weights }, invalid: fresh.invalid };
}

/**
 * The snapshot after some changes. Only changed records are decoded; untouched services keep their very objects, so that a reader can
 * compare by identity. Costs the changes and their services' instances.
 * @param changes in the order of the store
 * @param revision store revision after the changes
 */
export function updateSnapshot(
  previous: SnapshotView,
  changes: readonly StoreEvent[],
  revision: number,
): SnapshotView {
  const draft = new Draft(previous);
  for (const change of changes) {
    const key = change.kind === 'put' ? change.item.key : change.key;
    const name = nameOf(key);
    if (name === undefined) continue;
    if (change.kind === 'put') draft.put(change.item, name);
    else draft.remove(key, name);
  }
  return draft.finish(revision);
}
