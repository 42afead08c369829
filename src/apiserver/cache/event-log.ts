/** Owns the last events of the store, so that a watcher that was away a moment goes on without listing. Pure but for its own state. */
import type { StoreEvent } from '../../store/store.ts';

/** Bounds of what is remembered. */
export interface EventLogLimits {
  readonly events: number;
  /** Characters of values. */
  readonly characters: number;
}

/** 32 MB and some tens of seconds of a large cluster's writes. */
export const EVENT_LOG_LIMITS: EventLogLimits = { events: 20_000, characters: 32 * 1024 * 1024 };

/** The last events, whole transactions. */
export interface EventLog {
  /** Events in the order of the store, later than all before. */
  readonly add: (events: readonly StoreEvent[]) => void;
  /** Events after `revision`, or undefined if some of them are forgotten. */
  readonly after: (revision: number) => readonly StoreEvent[] | undefined;
  /** Forgets everything up to `revision`, which may be lower than before: the store was set back. */
  readonly restart: (revision: number) => void;
}

/** The revision of an event. */
export const revisionOf = (event: StoreEvent): number =>
  event.kind === 'put' ? event.item.modRevision : event.revision;

const sizeOf = (event: StoreEvent): number =>
  event.kind === 'put' ? event.item.value.length + event.item.key.length : event.key.length;

/** An empty log that begins at revision 0. */
export function createEventLog(limits: EventLogLimits): EventLog {
  let events: StoreEvent[] = [];
  let characters = 0;
  /** Everything up to here may be forgotten. */
  let floor = 0;

  const forget = (): void => {
    if (events.length <= limits.events && characters <= limits.characters) return;
    // A quarter at once, so that the rest is moved seldom; then to the end of a transaction.
    const last = events[Math.floor(events.length / 4)];
    if (last === undefined) return;
    floor = revisionOf(last);
    const kept = events.filter((event) => revisionOf(event) > floor);
    for (const event of events.slice(0, events.length - kept.length)) characters -= sizeOf(event);
    events = kept;
    forget();
  };
  return {
    add: (fresh) => {
      for (const event of fresh) {
        events.push(event);
        characters += sizeOf(event);
      }
      forget();
    },
    after: (revision) => {
      if (revision < floor) return undefined;
      const from = events.findLastIndex((event) => revisionOf(event) <= revision) + 1;
      return events.slice(from);
    },
    restart: (revision) => {
      events = [];
      characters = 0;
      floor = revision;
    },
  };
}
