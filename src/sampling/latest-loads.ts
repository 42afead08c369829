/**
 * Owns the latest samples of all nodes, as whoever decides reads them, each with its age. Ages are by the reader's own clock, from the moment a sample was
 * seen to change: clocks of nodes may differ. What a listing brings may be as old as its lease lets it be, and counts as that old.
 */
import type { Clock } from '../host/clock.ts';
import { decodeLoad, type NodeLoad } from '../model/load.ts';
import type { InformerChange, InformerOptions } from '../store/informer-options.ts';
import { type Informer, startInformer } from '../store/informer.ts';
import { LOADS } from '../store/keys.ts';
import { whyInvalid } from '../store/snapshot.ts';
import type { KeyValue } from '../store/store.ts';
import { LOAD_TTL_SECONDS } from './run.ts';

/** A sample and how old it is at most. */
export interface AgedLoad {
  readonly load: NodeLoad;
  readonly ageMs: number;
}

/** The latest samples. */
export interface LatestLoads {
  /** By node, sorted; a node without one (silent, no monitor there) is not in it. */
  readonly loads: () => ReadonlyMap<string, AgedLoad>;
  /** Samples that cannot be read, by node, with the reason. */
  readonly invalid: () => ReadonlyMap<string, string>;
}

/** A copy that changes with an informer of LOADS. */
interface LoadsCopy extends LatestLoads {
  readonly change: (change: InformerChange, items: ReadonlyMap<string, KeyValue>) => void;
}

interface Seen {
  readonly load: NodeLoad;
  readonly modRevision: number;
  readonly seenMs: number;
}

const OLDEST_MS = LOAD_TTL_SECONDS * 1_000;
const nodeOf = (key: string): string => key.slice(LOADS.start.length);

/** An empty copy. */
function createLoadsCopy({ monotonicMs }: Pick<Clock, 'monotonicMs'>): LoadsCopy {
  const seen = new Map<string, Seen>();
  const invalid = new Map<string, string>();

  const take = (node: string, item: KeyValue, seenMs: number): void => {
    invalid.delete(node);
    if (seen.get(node)?.modRevision === item.modRevision) return;
    try {
      const { value } = decodeLoad(node, item.value);
      // A sample with the time of the one before is that one again.
      const isSame = seen.get(node)?.load.at === value.at;
      const sinceMs = isSame ? (seen.get(node)?.seenMs ?? seenMs) : seenMs;
      seen.set(node, { load: value, modRevision: item.modRevision, seenMs: sinceMs });
    } catch (error) {
      seen.delete(node);
      invalid.set(node, whyInvalid(error));
    }
  };
  return {
    change: ({ keys, cause }, items) => {
      const nowMs = monotonicMs();
      for (const key of keys) {
        const [node, item] = [nodeOf(key), items.get(key)];
        if (item === undefined) {
          seen.delete(node);
          invalid.delete(node);
        } else {
          take(node, item, cause === 'events' ? nowMs : (seen.get(node)?.seenMs ?? nowMs - OLDEST_MS));
        }
      }
    },
    loads: () => {
      const nowMs = monotonicMs();
      const sorted = [...seen].toSorted(([a], [b]) => (a < b ? -1 : 1));
      return new Map(
        sorted.map(([node, { load, seenMs }]) => [node, { load, ageMs: Math.max(0, nowMs - seenMs) }]),
      );
    },
    invalid: () => new Map(invalid),
  };
}

/** What following needs. */
export type FollowOptions = Pick<InformerOptions, 'store' | 'clock' | 'random' | 'onState'> & {
  /** Called after every change. */
  readonly onChange?: (() => void) | undefined;
};

/** Samples that follow the store. */
export interface FollowedLoads extends LatestLoads, Pick<Informer, 'state' | 'synced' | 'close'> {}

/** Begins to follow the samples of all nodes. */
export function followLoads({ onChange, ...options }: FollowOptions): FollowedLoads {
  const copy = createLoadsCopy(options.clock);
  const informer: Informer = startInformer({
    ...options,
    range: LOADS,
    onChange: (change) => {
      copy.change(change, informer.items);
      onChange?.();
    },
  });
  return {
    loads: copy.loads,
    invalid: copy.invalid,
    state: informer.state,
    synced: informer.synced,
    close: informer.close,
  };
}
