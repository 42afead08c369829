/**
 * Owns that what a leader remembers of the demand for instances outlives it: one leased key a service, written when that changes in a way
 * that matters, and followed by every monitor, so that each knows by its own clock how old what it reads is. Nodes' clocks may be hours apart.
 */
import { isFromFuture, resumed, type ScalingNow } from '../balance/scaling-history.ts';
import { SluiceError } from '../errors.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { isName } from '../model/name.ts';
import { decodeScalingState, encodeScalingState } from '../model/records-scaling.ts';
import type { ScalingState } from '../model/scaling.ts';
import type { InformerChange } from '../store/informer-options.ts';
import { type Informer, startInformer } from '../store/informer.ts';
import { demandKey, DEMANDS } from '../store/keys.ts';
import { whyInvalid } from '../store/snapshot.ts';
import type { KeyValue, Lease, Operation, Store } from '../store/store.ts';
import { fence, type Lead } from './election.ts';

/** It outlives its leader for so long: beyond that nobody has seen what was wanted, and a new leader begins anew. */
const TTL_SECONDS = 30;
/** What only makes fewer wait longer while it is not written is written at most this often. */
const SELDOM_MS = 30_000;
/** What is learned is worth writing when it is another by so much. */
const LEARNED_ANEW = 0.25;
/** A decision does not wait for longer than this. */
const WRITE_MS = 1_000;
/** Services in one transaction. */
const AT_ONCE = 50;

/** States by service. */
type States = ReadonlyMap<string, ScalingState>;

/** The memory beyond one leader. */
export interface ScalingKeeper {
  /** What the leader before remembered, as it counts now. */
  readonly resume: (now: ScalingNow) => States;
  /** Writes what matters, while this lead holds. Never throws for the store's sake. */
  readonly keep: (states: States, lead: Lead) => Promise<void>;
  /** The lead is gone: what is written stays for a while. */
  readonly leave: () => void;
  readonly close: () => Promise<void>;
}

/** What it needs. */
export interface ScalingKeeperOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

/** What was written of a service, and when. */
interface Written {
  readonly state: ScalingState;
  readonly ms: number;
}

const lastWanted = ({ peaks }: ScalingState): number => peaks.at(-1)?.count ?? 0;

/** What of a state decides about the future, without the times that pass. */
const shapeOf = ({ replicas, peaks }: ScalingState): string =>
  JSON.stringify([replicas, peaks.map(({ count }) => count)]);

const actsOf = ({ final, direction, changes, reversals }: ScalingState): string =>
  JSON.stringify([final, direction, changes.at(-1), reversals.at(-1)]);

function isLearnedAnew(before: number | undefined, now: number | undefined): boolean {
  if (before === undefined || now === undefined) return before !== now;
  return Math.abs(now - before) > LEARNED_ANEW * before;
}

/** True if a new leader that only knew what was written would be bolder than this one, or has to wait needlessly for long. */
function matters(before: Written | undefined, state: ScalingState): boolean {
  if (before === undefined || actsOf(before.state) !== actsOf(state)) return true;
  if (lastWanted(state) > lastWanted(before.state)) return true;
  if (state.ms - before.ms < SELDOM_MS) return false;
  return (
    shapeOf(before.state) !== shapeOf(state) ||
    isLearnedAnew(before.state.capacity, state.capacity) ||
    isLearnedAnew(before.state.normalConnections, state.normalConnections)
  );
}

/** What is followed of other leaders: each record, and since when it is known. */
function createHeard(clock: Clock) {
  const heard = new Map<string, { readonly item: KeyValue; readonly sinceMs: number }>();
  return {
    heard,
    change: ({ keys }: InformerChange, items: ReadonlyMap<string, KeyValue>): void => {
      for (const key of keys) {
        const item = items.get(key);
        const known = heard.get(key);
        if (item === undefined) heard.delete(key);
        else if (known?.item.modRevision !== item.modRevision)
          heard.set(key, { item, sinceMs: clock.monotonicMs() });
      }
    },
  };
}

/** A state of another leader, or why it is of no use. */
function readState({ key, value }: KeyValue): ScalingState | string {
  try {
    const state = decodeScalingState(key, value).value;
    return isFromFuture(state) ? 'it tells of times after it was written' : state;
  } catch (error) {
    return whyInvalid(error);
  }
}

/** Begins to follow. */
export function startScalingKeeper({ store, clock, random, log }: ScalingKeeperOptions): ScalingKeeper {
  const { heard, change } = createHeard(clock);
  const informer: Informer = startInformer({
    store,
    range: DEMANDS,
    clock,
    random,
    onChange: (what) => change(what, informer.items),
  });
  let written = new Map<string, Written>();
  let lease: Lease | undefined;
  const leave = (): void => {
    lease?.letGo();
    lease = undefined;
    written = new Map();
  };
  const put = async (names: readonly string[], states: States, lead: Lead): Promise<void> => {
    if (lease?.lost.aborted === true) leave();
    lease ??= await store.grantLease(TTL_SECONDS, { timeoutMs: WRITE_MS });
    const { id } = lease;
    const operations = names.map((name): Operation => {
      const [key, state] = [demandKey(name), states.get(name)];
      if (state === undefined) return { kind: 'delete', key };
      return { kind: 'put', key, value: encodeScalingState(state), lease: id };
    });
    const answer = await store.transact({ compares: [fence(lead)], operations }, { timeoutMs: WRITE_MS });
    if (answer.kind === 'conflict') return;
    for (const name of names) {
      const state = states.get(name);
      if (state === undefined) written.delete(name);
      else written.set(name, { state, ms: state.ms });
    }
  };
  return {
    resume: (now) => {
      const states = new Map<string, ScalingState>();
      for (const [key, { item, sinceMs }] of heard) {
        const service = key.slice(DEMANDS.start.length);
        const state = isName(service) ? readState(item) : 'no service can have this name';
        if (typeof state === 'string')
          log.warn('what the leader before remembered is ignored: fewer instances wait', { key, why: state });
        else states.set(service, resumed(state, now, now.ms - sinceMs));
      }
      return states;
    },
    keep: async (states, lead) => {
      const changed = [...states].flatMap(([name, state]) =>
        matters(written.get(name), state) ? [name] : [],
      );
      const gone = [...written.keys()].filter((name) => !states.has(name));
      const names = [...changed, ...gone];
      try {
        for (let from = 0; from < names.length; from += AT_ONCE)
          await put(names.slice(from, from + AT_ONCE), states, lead);
      } catch (error) {
        // Tried again at the next look; until then a new leader would wait longer.
        if (!(error instanceof SluiceError)) throw error;
        if (error.details['leaseLost'] === true) leave();
        log.debug('what is remembered of the demand was not written', { why: error.why ?? error.message });
      }
    },
    leave,
    close: async () => {
      leave();
      await informer.close();
    },
  };
}
