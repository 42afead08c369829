/**
 * Owns who watches what, and telling them: what a range's watchers get is cut out and turned into text once for all of them. Must not know
 * sockets.
 */
import { inRange } from '../../store/overlap.ts';
import type { KeyRange, StoreEvent } from '../../store/store.ts';
import { revisionOf } from './event-log.ts';

/** Events on their way to watchers. */
export interface Batch {
  /** Never empty; whole transactions. */
  readonly events: readonly StoreEvent[];
  /** The same as the caller's text, made once. */
  readonly text: () => string;
}

/** One watcher. Called synchronously; must not throw. */
export interface Watcher {
  /** The watch is accepted; events may follow. */
  readonly ready: () => void;
  readonly deliver: (batch: Batch) => void;
  readonly end: (kind: 'compacted' | 'lost', why: string) => void;
}

/** All watchers. */
export interface Watchers {
  /** Tells from now on what comes after `floor`; returns how to leave. */
  readonly join: (range: KeyRange, floor: number, watcher: Watcher) => () => void;
  readonly tell: (events: readonly StoreEvent[]) => void;
  /** Ends all of them. */
  readonly endAll: (kind: 'compacted' | 'lost', why: string) => void;
  readonly count: () => number;
}

/** A batch whose text is made at most once. */
export function batchOf(
  events: readonly StoreEvent[],
  format: (events: readonly StoreEvent[]) => string,
): Batch {
  let text: string | undefined;
  return { events, text: () => (text ??= format(events)) };
}

/** Events of a range. */
export function eventsIn(events: readonly StoreEvent[], range: KeyRange): readonly StoreEvent[] {
  return events.filter((event) => inRange(event.kind === 'put' ? event.item.key : event.key, range));
}

interface Group {
  readonly range: KeyRange;
  readonly members: Map<Watcher, number>;
}

/**
 * Nobody watches yet.
 * @param format what a batch is as text
 */
export function createWatchers(format: (events: readonly StoreEvent[]) => string): Watchers {
  const groups = new Map<string, Group>();

  const tellGroup = ({ range, members }: Group, events: readonly StoreEvent[]): void => {
    const seen = eventsIn(events, range);
    const [first] = seen;
    if (first === undefined) return;
    const whole = batchOf(seen, format);
    for (const [watcher, floor] of members) {
      if (revisionOf(first) > floor) watcher.deliver(whole);
      else {
        // It began ahead of this server's copy.
        const later = seen.filter((event) => revisionOf(event) > floor);
        if (later.length > 0) watcher.deliver(batchOf(later, format));
      }
    }
  };
  return {
    join: (range, floor, watcher) => {
      const name = `${range.start}\n${range.end}`;
      const group = groups.get(name) ?? { range, members: new Map<Watcher, number>() };
      groups.set(name, group);
      group.members.set(watcher, floor);
      return () => {
        group.members.delete(watcher);
        if (group.members.size === 0 && groups.get(name) === group) groups.delete(name);
      };
    },
    tell: (events) => {
      for (const group of groups.values()) tellGroup(group, events);
    },
    endAll: (kind, why) => {
      const all = [...groups.values()];
      groups.clear();
      for (const { members } of all) for (const watcher of members.keys()) watcher.end(kind, why);
    },
    count: () => [...groups.values()].reduce((sum, { members }) => sum + members.size, 0),
  };
}
