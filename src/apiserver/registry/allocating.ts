/**
 * Owns that apps which no service draws from get an entry of a range, and lose it when they have been gone for long. What an app gets is written
 * down first (one server wins), then published as people publish, then, at the end, taken back the same way; a service that people have changed
 * since is theirs.
 */
import { SluiceError } from '../../errors.ts';
import type { Bell } from '../../host/bell.ts';
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import type { Allocation, EntryRange } from '../../model/entry-range.ts';
import { formatEntry, parseEntry } from '../../model/entry.ts';
import { decodeNode } from '../../model/records-node.ts';
import { decodeAllocation, decodeEntryRange, encodeAllocation } from '../../model/records-entry-range.ts';
import type { Service } from '../../model/service.ts';
import type { WriteDeps } from '../../ops/deps.ts';
import { publish } from '../../ops/publish.ts';
import type { WriteReport } from '../../ops/result.ts';
import { unpublish } from '../../ops/unpublish.ts';
import { entryFor, serviceNameFor } from '../../registry/allocate.ts';
import {
  ALLOCATIONS,
  allocationKey,
  ENTRIES,
  ENTRY_RANGES,
  NODES,
  entryRangeKey,
  serviceKey,
} from '../../store/keys.ts';
import { readServiceItem, whyInvalid } from '../../store/snapshot.ts';
import type { KeyValue, Store } from '../../store/store.ts';
import type { WatchCache } from '../cache/watch-cache.ts';
import type { RegistryCopy } from './copy.ts';
import { AGAIN_MS, type Due, startDue } from './due.ts';

/** After somebody else was quicker. */
const AFTER_CONFLICT_MS = 50;

/** What it needs. */
export interface AllocatingOptions {
  readonly store: Store;
  readonly cache: Pick<WatchCache, 'item' | 'list' | 'reached'>;
  readonly copy: () => RegistryCopy;
  readonly clock: Clock;
  readonly log: Log;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly newId: () => string;
  readonly bell: Bell;
  /** A service now draws from the app. */
  readonly onPublished: (app: string) => void;
}

interface Parts extends AllocatingOptions {
  /** Since when apps that have an entry are gone, as this server saw it (monotonic). */
  readonly goneSinceMs: Map<string, number>;
}

/** Starts; names are apps. */
export function startAllocating(options: AllocatingOptions): Due {
  const parts: Parts = { ...options, goneSinceMs: new Map() };
  return startDue({ ...options, what: 'an app has its entry', work: (app) => look(parts, app) });
}

/** Reads a record; one that cannot be read counts as none. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    whyInvalid(error);
    return undefined;
  }
}

const tailOf = ({ key }: KeyValue): string => key.slice(key.indexOf('/') + 1);

async function look(parts: Parts, app: string): Promise<number | undefined> {
  const { cache, copy, goneSinceMs } = parts;
  const item = cache.item(allocationKey(app));
  const allocation = item && readable(() => decodeAllocation(app, item.value).value);
  if (copy().catalog.app(app) === undefined)
    return item === undefined || allocation === undefined ? undefined : release(parts, allocation, item);
  goneSinceMs.delete(app);
  if (copy().drawers(app).length > 0) return undefined;
  return allocation === undefined ? allocate(parts, app) : give(parts, allocation);
}

/** Ranges in order of their names. */
const rangesIn = ({ cache }: Parts): readonly EntryRange[] =>
  cache
    .list(ENTRY_RANGES)
    .flatMap((item) => readable(() => decodeEntryRange(tailOf(item), item.value).value) ?? []);

/** Addresses that are somebody's, or will be. */
function takenIps({ cache, copy }: Parts): ReadonlySet<string> {
  const claimed = cache.list(ENTRIES).flatMap((item) => readable(() => parseEntry(tailOf(item)).ip) ?? []);
  const given = cache
    .list(ALLOCATIONS)
    .flatMap((item) => readable(() => decodeAllocation(tailOf(item), item.value).value.entry.ip) ?? []);
  // An entry on the address of a machine would take that machine's own port away.
  const nodes = cache
    .list(NODES)
    .flatMap((item) => readable(() => decodeNode(tailOf(item), item.value).value.addresses) ?? []);
  const registered = copy()
    .catalog.apps()
    .flatMap(({ instances }) => instances.map(({ registration }) => registration.ip));
  return new Set([...claimed, ...given, ...nodes, ...registered]);
}

function chosen(parts: Parts, app: string): Allocation | undefined {
  const taken = takenIps(parts);
  const createdAt = parts.clock.now().toISOString();
  const service = serviceNameFor(app, (name) => parts.cache.item(serviceKey(name)) !== undefined);
  for (const range of rangesIn(parts)) {
    const entry = entryFor(app, range, (ip) => taken.has(ip));
    const { name, keepSeconds } = range;
    if (entry !== undefined) return { app, service, entry, range: name, keepSeconds, createdAt };
  }
  return undefined;
}

/** Writes down what the app gets; of several servers one wins, and all give that. */
async function allocate(parts: Parts, app: string): Promise<number | undefined> {
  const { store, cache, log } = parts;
  const allocation = chosen(parts, app);
  if (allocation === undefined) {
    if (rangesIn(parts).length > 0) log.warn('no address is left for an app', { app });
    return undefined;
  }
  const [key, range] = [allocationKey(app), entryRangeKey(allocation.range)];
  const answer = await store.transact({
    compares: [
      { kind: 'create-revision', key, equals: 0 },
      // A range that is removed in this moment gives nothing any more.
      { kind: 'mod-revision', key: range, equals: cache.item(range)?.modRevision ?? 0 },
    ],
    operations: [{ kind: 'put', key, value: encodeAllocation(allocation) }],
  });
  await cache.reached(answer.revision, AGAIN_MS);
  return answer.kind === 'conflict' ? AFTER_CONFLICT_MS : give(parts, allocation);
}

/** Who is said to have done it. */
function writerOf({ store, clock, newId, random }: Parts, { app, range }: Allocation): WriteDeps {
  const origin = { actor: 'registry', host: 'apiserver', command: `range ${range} for app ${app}` };
  return { store, clock, newId, random, origin };
}

const specOf = ({ app, service, entry }: Allocation) => ({
  name: service,
  entries: [entry],
  instances: [],
  masquerade: false,
  registry: app,
});

/** The revision of a change; undefined if it failed with this code. @throws SluiceError of another */
async function unlessCode(
  code: SluiceError['code'],
  change: () => Promise<WriteReport>,
): Promise<number | undefined> {
  try {
    const { error, revision } = await change();
    if (error === undefined) return revision;
    throw error;
  } catch (error) {
    if (error instanceof SluiceError && error.code === code) return undefined;
    throw error;
  }
}

/** Publishes what was written down. */
async function give(parts: Parts, allocation: Allocation): Promise<number | undefined> {
  const { cache, log, onPublished } = parts;
  const { app, service, entry } = allocation;
  const reason = `app ${app} registered, and no service draws from it`;
  const revision = await unlessCode('conflict', async () =>
    publish(writerOf(parts, allocation), [specOf(allocation)], { ifRevision: 0, reason }),
  );
  if (revision === undefined) return takeBack(parts, allocation);
  await cache.reached(revision, AGAIN_MS);
  log.info('an app got an entry', { app, service, entry: formatEntry(entry) });
  onPublished(app);
  return undefined;
}

/** The name or the entry is another's since it was chosen; or another server has published it. */
async function takeBack(parts: Parts, { app, service }: Allocation): Promise<number | undefined> {
  const { item } = await parts.store.get(serviceKey(service));
  await parts.cache.reached(item?.modRevision ?? 0, AGAIN_MS);
  if (parts.copy().drawsFrom(service) === app) return undefined;
  await forget(parts, app);
  return AFTER_CONFLICT_MS;
}

async function forget({ store, cache }: Parts, app: string): Promise<void> {
  const key = allocationKey(app);
  const equals = cache.item(key)?.modRevision ?? 0;
  const answer = await store.transact({
    compares: [{ kind: 'mod-revision', key, equals }],
    operations: [{ kind: 'delete', key }],
  });
  await cache.reached(answer.revision, AGAIN_MS);
}

/** As it was published here: people have not changed it since. */
function isOurs({ value }: { readonly value: Service }, { app, entry }: Allocation): boolean {
  const { entries, registry, policy, masquerade, announce, affinitySeconds } = value;
  const isPlain = !masquerade && announce !== true && affinitySeconds === undefined;
  return (
    isPlain &&
    registry === app &&
    Object.keys(policy ?? {}).length === 0 &&
    entries.map(formatEntry).join() === formatEntry(entry)
  );
}

/** Takes the entry of an app back that has been gone for as long as its range says. */
async function release(parts: Parts, allocation: Allocation, item: KeyValue): Promise<number | undefined> {
  const { clock, cache, log, goneSinceMs } = parts;
  const { app, service, keepSeconds } = allocation;
  const sinceMs = goneSinceMs.get(app) ?? clock.monotonicMs();
  goneSinceMs.set(app, sinceMs);
  const leftMs = keepSeconds * 1_000 - (clock.monotonicMs() - sinceMs);
  if (leftMs > 0) return leftMs;
  const stored = cache.item(serviceKey(service));
  const current = stored && readable(() => readServiceItem(service, stored));
  if (current !== undefined && isOurs(current, allocation)) {
    const reason = `app ${app} is gone for ${keepSeconds} s`;
    const ifRevision = current.modRevision;
    const revision = await unlessCode('not-found', async () =>
      unpublish(writerOf(parts, allocation), [service], { ifRevision, reason }),
    );
    await cache.reached(revision ?? 0, AGAIN_MS);
    log.info('the entry of an app is released', { app, service });
  }
  goneSinceMs.delete(app);
  // Written anew meanwhile it is somebody else's to end.
  if (cache.item(item.key)?.modRevision === item.modRevision) await forget(parts, app);
  return undefined;
}
