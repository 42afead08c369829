/**
 * Owns the records of decisions: one for everything that is done, and one when something that is wanted cannot be done; the latter only when
 * it is not what was said last. They go by themselves after a day.
 */
import type { Clock } from '../host/clock.ts';
import type { Decision } from '../model/decision.ts';
import { decodeDecision } from '../model/records-leader.ts';
import { timeMs } from '../model/time.ts';
import type { Action, Notice, Step } from '../schedule/step.ts';
import { decisionsOf } from '../store/keys.ts';
import { whyInvalid } from '../store/snapshot.ts';
import type { Lease, Store } from '../store/store.ts';
import type { MonitorMode } from './options.ts';

const KEPT_SECONDS = 24 * 3_600;
/** One lease serves for so long; the next decision then takes a new one. */
const LEASE_SERVES_MS = 3_600_000;
/** So many of the last records of a service are looked through for what was said before this leader. */
const LOOKED_THROUGH = 10;

/** What one monitor says and has said. */
export interface Decisions {
  /** What is to be recorded of a step: nothing if it is only what was said before. */
  readonly of: (step: Step) => Promise<readonly Decision[]>;
  /** Another look begins: services without a step have nothing that is wanted and not done. */
  readonly look: (steps: readonly Step[]) => void;
  /** They were written. */
  readonly said: (step: Step) => void;
  /** A lease under which decisions go after a day. @throws SluiceError of the store */
  readonly lease: () => Promise<string>;
  /** The lease is of no use any more. */
  readonly forgetLease: () => void;
  readonly close: () => void;
}

/** What it depends on. */
export interface DecisionsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly mode: MonitorMode;
  /** Node of the leader. */
  readonly by: string;
}

type Words = Pick<Decision, 'what' | 'why' | 'done' | 'instance' | 'node' | 'scaling'>;

/** Words of an action, or undefined for one that is not worth a record. */
function wordsOf(action: Action, mode: MonitorMode): Words | undefined {
  if (action.why === undefined) return undefined;
  const what = mode === 'act' ? action.what : `would ${action.what}`;
  if (action.kind === 'weigh') return { what, why: action.why, done: mode === 'act' };
  if (action.kind === 'resize')
    return { what, why: action.why, done: mode === 'act', scaling: action.scaling };
  const { id, node } = action.kind === 'remove' ? action : action.assignment;
  return { what, why: action.why, done: mode === 'act', instance: id, node };
}

const noticeWords = (notice: Notice): Words => ({ ...notice, done: false });
const textOf = (words: readonly Words[]): string => JSON.stringify(words.map(({ what, why }) => [what, why]));

const NOTHING = textOf([]);

const topicOf = ({ topic, service }: Step): string => `${topic}/${service}`;

/** Two lists: what is done, and what is not. */
function split(
  step: Step,
  mode: MonitorMode,
): { readonly done: readonly Words[]; readonly not: readonly Words[] } {
  const all = [
    ...step.actions.flatMap((action) => wordsOf(action, mode) ?? []),
    ...step.notices.map(noticeWords),
  ];
  return { done: all.filter(({ done }) => done), not: all.filter(({ done }) => !done) };
}

/** What was said last about a service; other records and tombstones are passed over. */
async function lastSaid(store: Store, service: string): Promise<readonly Words[]> {
  const { items } = await store.list(decisionsOf(service));
  return items.slice(-LOOKED_THROUGH).flatMap(({ key, value }) => {
    try {
      return [decodeDecision({ service, at: key.slice(key.lastIndexOf('/') + 1) }, value).value];
    } catch (error) {
      whyInvalid(error);
      return [];
    }
  });
}

/** Says nothing yet. */
export function createDecisions({ store, clock, mode, by }: DecisionsOptions): Decisions {
  const saidBefore = new Map<string, string>();
  let lease: { readonly lease: Lease; readonly sinceMs: number } | undefined;
  let lastMs = 0;
  /** Times name the records, so that no two are equal. */
  const nextTime = (): string => {
    lastMs = Math.max(lastMs + 1, timeMs(clock.now().toISOString()) ?? 0);
    return new Date(lastMs).toISOString();
  };
  const isNews = async (step: Step, not: readonly Words[]): Promise<boolean> => {
    const before = saidBefore.get(topicOf(step));
    if (before !== undefined) return before !== textOf(not);
    const known = new Set((await lastSaid(store, step.service)).map((words) => textOf([words])));
    return !not.every((words) => known.has(textOf([words])));
  };
  const forgetLease = (): void => {
    lease?.lease.letGo();
    lease = undefined;
  };
  return {
    of: async (step) => {
      const { done, not } = split(step, mode);
      const words = not.length > 0 && (await isNews(step, not)) ? [...done, ...not] : done;
      return words.map((one) => ({ ...one, at: nextTime(), service: step.service, by }));
    },
    look: (steps) => {
      const now = new Set(steps.map(topicOf));
      for (const topic of saidBefore.keys()) if (!now.has(topic)) saidBefore.set(topic, NOTHING);
    },
    said: (step) => saidBefore.set(topicOf(step), textOf(split(step, mode).not)),
    lease: async () => {
      const old = lease !== undefined && clock.monotonicMs() - lease.sinceMs > LEASE_SERVES_MS;
      if (old || lease?.lease.lost.aborted === true) forgetLease();
      lease ??= { lease: await store.grantLease(KEPT_SECONDS), sinceMs: clock.monotonicMs() };
      return lease.lease.id;
    },
    forgetLease,
    close: forgetLease,
  };
}
