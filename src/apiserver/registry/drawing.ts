/**
 * Owns that services which draw from the registry have the instances that are registered: whatever changes, the difference is written. Every API
 * server does it; the one that took a registration at once, the others a moment later if it is still not done, so that a server that dies leaves
 * nothing undone.
 */
import type { Bell } from '../../host/bell.ts';
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import { encodeInstance } from '../../model/records-service.ts';
import { type DrawChange, drawInstances } from '../../registry/draw.ts';
import { instanceKey, instancesOf, serviceKey } from '../../store/keys.ts';
import { readInstanceItem, readServiceItem, whyInvalid } from '../../store/snapshot.ts';
import type { Compare, KeyValue, Operation, Store } from '../../store/store.ts';
import type { WatchCache } from '../cache/watch-cache.ts';
import type { RegistryCopy } from './copy.ts';
import { AGAIN_MS, startDue } from './due.ts';

/** After somebody else was quicker. */
const AFTER_CONFLICT_MS = 50;
/** Instances of one transaction; each is compared, and the service. */
const BATCH = 100;

/** The drawing of one server. */
export interface Drawing {
  /** Something about a service changed, by whomever. */
  readonly touched: (service: string) => void;
  /** This server changed an app: what follows is its to write. */
  readonly now: (app: string) => void;
  readonly close: () => Promise<void>;
}

/** What it needs. */
export interface DrawingOptions {
  readonly store: Store;
  readonly cache: Pick<WatchCache, 'item' | 'list' | 'state' | 'reached'>;
  readonly copy: () => RegistryCopy;
  readonly clock: Clock;
  readonly log: Log;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly bell: Bell;
}

/** Starts. */
export function startDrawing(options: DrawingOptions): Drawing {
  const what = 'instances of a service are drawn from the registry';
  const due = startDue({ ...options, what, work: (service) => draw(options, service) });
  return {
    touched: due.later,
    now: (app) => {
      for (const service of options.copy().drawers(app)) due.now(service);
    },
    close: due.close,
  };
}

/** Writes what is missing. @returns after how many milliseconds to look again */
async function draw(
  { store, cache, copy, clock, log }: DrawingOptions,
  service: string,
): Promise<number | undefined> {
  const item = cache.item(serviceKey(service));
  const app = copy().drawsFrom(service);
  if (item === undefined || app === undefined) return undefined;
  const items = cache.list(instancesOf(service));
  // Of the keys as they were looked at: a record that cannot be read is overwritten, one that changes meanwhile is not.
  const revisions = new Map(items.map(({ key, modRevision }) => [key, modRevision]));
  const { changes, againMs } = drawInstances({
    service: readServiceItem(service, item).value,
    registrations:
      copy()
        .catalog.app(app)
        ?.instances.map(({ registration }) => registration) ?? [],
    stored: items.flatMap((one) => readable(service, one)),
    now: clock.now().toISOString(),
  });
  for (let at = 0; at < changes.length; at += BATCH) {
    const batch = changes.slice(at, at + BATCH);
    const answer = await store.transact({
      compares: [
        { kind: 'mod-revision', key: serviceKey(service), equals: item.modRevision },
        ...batch.map((change) => compareOf(service, change, revisions)),
      ],
      operations: batch.map((change) => operationOf(service, change)),
    });
    // Somebody else was quicker: look at what he did.
    await cache.reached(answer.revision, AGAIN_MS);
    if (answer.kind === 'conflict') return AFTER_CONFLICT_MS;
  }
  if (changes.length > 0)
    log.info('instances drawn from the registry', { service, app, changed: changes.length });
  return againMs;
}

function readable(service: string, item: KeyValue): ReturnType<typeof readInstanceItem>[] {
  try {
    return [readInstanceItem(service, item)];
  } catch (error) {
    whyInvalid(error);
    return [];
  }
}

const idOf = (change: DrawChange): string => (change.kind === 'put' ? change.after : change.before.value).id;

function compareOf(service: string, change: DrawChange, revisions: ReadonlyMap<string, number>): Compare {
  const key = instanceKey(service, idOf(change));
  return { kind: 'mod-revision', key, equals: revisions.get(key) ?? 0 };
}

function operationOf(service: string, change: DrawChange): Operation {
  const key = instanceKey(service, idOf(change));
  if (change.kind === 'delete') return { kind: 'delete', key };
  return { kind: 'put', key, value: encodeInstance(change.after, change.before?.raw) };
}
