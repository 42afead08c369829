/**
 * Owns recording what a leader decides from: samples with their ages, and the records of services whose weights or number follow load, with
 * their instances and all nodes. It decides nothing and writes nothing but its file.
 */
import type { Clock } from '../../host/clock.ts';
import type { LineFile } from '../../host/line-file.ts';
import type { Log } from '../../host/log.ts';
import {
  recordingHeader,
  recordingLine,
  type RecordedItem,
  type RecordedLook,
} from '../../model/recording.ts';
import { followLoads, type FollowedLoads } from '../../sampling/latest-loads.ts';
import type { ReadMetric } from '../../sampling/own-metric.ts';
import { isWeighed } from '../../schedule/weigh.ts';
import type { InformerChange } from '../../store/informer-options.ts';
import { type Informer, startInformer } from '../../store/informer.ts';
import { AGENT_RANGE, ASSIGNMENTS } from '../../store/keys.ts';
import { readServiceItem, whyInvalid } from '../../store/snapshot.ts';
import type { KeyRange, KeyValue, Store } from '../../store/store.ts';
import { createClusterCopy } from '../cluster-copy.ts';
import { createOwnMetrics } from '../metrics.ts';

/** Budget of the first listing. */
const SYNC_MS = 10_000;

/** What recording needs. */
export interface RecordOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly readMetric: ReadMetric;
  readonly file: LineFile;
  /** Undefined: all services that follow load. */
  readonly services: ReadonlySet<string> | undefined;
  readonly everyMs: number;
  readonly forMs: number;
  readonly signal: AbortSignal;
  /** Called after every line. */
  readonly onLook: (looks: number) => void;
}

/** How it ended. */
export interface Recorded {
  readonly looks: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly end: 'time' | 'size' | 'signal';
}

/** The service that a key is about; '' for keys of nodes, undefined for others. */
function serviceOfKey(key: string): string | undefined {
  const [family, first = '', second = ''] = key.split('/');
  if (family === 'service' || family === 'instance' || family === 'weights') return first;
  if (family === 'assignment') return second;
  return family === 'node' || family === 'node-alive' ? '' : undefined;
}

/** True for services whose weights or number follow load. */
function followsLoad(name: string, item: KeyValue): boolean {
  try {
    const { value } = readServiceItem(name, item);
    return isWeighed(value) || value.policy?.scaling !== undefined;
  } catch (error) {
    whyInvalid(error);
    return false;
  }
}

/** Which keys are recorded, and which of them changed since the line before. */
function createChanges(only: RecordOptions['services']) {
  const chosen = new Set<string>(['']);
  const changed = new Set<string>();
  return {
    /** Takes over what changed. @param all everything that is known */
    take: (
      keys: readonly string[],
      items: ReadonlyMap<string, KeyValue>,
      all: () => Iterable<string>,
    ): void => {
      const begun = new Set<string>();
      for (const key of keys.filter((one) => one.startsWith('service/'))) {
        const [name, item] = [key.slice('service/'.length), items.get(key)];
        if (chosen.has(name) || item === undefined || only?.has(name) === false || !followsLoad(name, item))
          continue;
        chosen.add(name);
        begun.add(name);
      }
      for (const key of keys) if (chosen.has(serviceOfKey(key) ?? '?')) changed.add(key);
      if (begun.size > 0) for (const key of all()) if (begun.has(serviceOfKey(key) ?? '')) changed.add(key);
    },
    drain: (itemOf: (key: string) => KeyValue | undefined): RecordedLook['changed'] => {
      const found = [...changed].toSorted().map((key): [string, RecordedItem | null] => {
        const item = itemOf(key);
        if (item === undefined) return [key, null];
        const { value, createRevision, modRevision } = item;
        return [key, { value, createRevision, modRevision }];
      });
      changed.clear();
      return Object.fromEntries(found);
    },
  };
}

/** Samples that came since they were asked for last. */
function createNewSamples(followed: FollowedLoads) {
  const known = new Map<string, number>();
  return (): RecordedLook['samples'] => {
    const samples: Record<string, RecordedLook['samples'][string]> = {};
    const loads = followed.loads();
    for (const [node, { load, ageMs }] of loads) {
      if (known.get(node) === load.at) continue;
      known.set(node, load.at);
      samples[node] = { ageMs: Math.round(ageMs), load };
    }
    for (const node of known.keys()) {
      if (loads.has(node)) continue;
      known.delete(node);
      samples[node] = null;
    }
    return samples;
  };
}

/** Follows what is recorded. */
function startFollowing(options: RecordOptions) {
  const { store, clock, random, log, services } = options;
  const copy = createClusterCopy();
  const changes = createChanges(services);
  const informers: Informer[] = [];
  const itemOf = (key: string): KeyValue | undefined =>
    informers.map(({ items }) => items.get(key)).find((item) => item !== undefined);
  const all = (): Iterable<string> => informers.flatMap(({ items }) => [...items.keys()]);
  const follow = (range: KeyRange): void => {
    const informer: Informer = startInformer({
      store,
      range,
      clock,
      random,
      onChange: ({ keys }: InformerChange) => {
        copy.change(keys, informer.items);
        changes.take(keys, informer.items, all);
      },
    });
    informers.push(informer);
  };
  follow(AGENT_RANGE);
  follow(ASSIGNMENTS);
  const followed = followLoads({ store, clock, random, onState: () => undefined });
  const metrics = createOwnMetrics({ read: options.readMetric, clock, log });
  const newSamples = createNewSamples(followed);
  const values = (): RecordedLook['values'] => {
    const nowMs = clock.monotonicMs();
    const found = metrics.look(copy.state().services);
    return Object.fromEntries(
      [...found].map(([service, byName]) => {
        const own = [...byName].map(([name, { value, arrivedMs }]) => [
          name,
          { value, ageMs: nowMs - arrivedMs },
        ]);
        return [service, Object.fromEntries(own)];
      }),
    );
  };
  return {
    synced: async () => Promise.all([...informers, followed].map((one) => one.synced(SYNC_MS))),
    look: () => ({ changed: changes.drain(itemOf), samples: newSamples(), values: values() }),
    close: async () => {
      metrics.forget();
      await Promise.all([...informers, followed].map((one) => one.close()));
    },
  };
}

/**
 * Records until the time is over, the file is full, or the signal aborts. While the store is away lines go on, without news.
 * @throws SluiceError `unavailable`, `permission` before the first look; `failed` if the file cannot be written
 */
export async function record(options: RecordOptions): Promise<Recorded> {
  const { clock, file, signal, everyMs, forMs, onLook } = options;
  const following = startFollowing(options);
  try {
    await following.synced();
    const startedMs = clock.monotonicMs();
    const passedMs = (): number => Math.round(clock.monotonicMs() - startedMs);
    const ended = (looks: number, end: Recorded['end']): Recorded => {
      return { looks, bytes: file.bytes(), seconds: passedMs() / 1_000, end };
    };
    if (!(await file.write(recordingHeader(clock.now().toISOString())))) return ended(0, 'size');
    for (let looks = 0; ; looks += 1) {
      if (signal.aborted) return ended(looks, 'signal');
      if (looks > 0 && passedMs() >= forMs) return ended(looks, 'time');
      const line = recordingLine({ ms: passedMs(), at: clock.now().toISOString(), ...following.look() });
      if (!(await file.write(line))) return ended(looks, 'size');
      onLook(looks + 1);
      await clock.sleep(Math.max(0, Math.min((looks + 1) * everyMs, forMs) - passedMs()), signal);
    }
  } finally {
    await following.close();
  }
}
