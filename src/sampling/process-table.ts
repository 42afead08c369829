/**
 * Owns reading the processes of some sessions from /proc. Most processes of a machine belong to none of them: those are read when they are new, and
 * again only at every fifth look, since a machine has hundreds and each costs as much as two of ours, whose files stay open.
 */
import type { KernelFiles } from './kernel-files.ts';
import { parseProcess, type ProcessTimes } from './parse/process.ts';
import { bySession, type SessionProcesses } from './session-use.ts';

/** The processes that this one can see. */
export interface ProcessTable {
  /**
   * Those of each session, by its number. A session of which a process was overlooked until now is left out, since what that used is of a time that
   * nobody knows.
   * @param leaders start of the leader by session, in ticks
   */
  readonly sessions: (leaders: ReadonlyMap<number, number>) => ReadonlyMap<number, SessionProcesses>;
}

/** So many looks apart everything is read: a process that took the number of another in between is seen then. */
const WHOLE_EVERY = 5;

/** What was seen of processes so far. */
interface Seen {
  /** In sessions that were asked for. */
  ours: ReadonlySet<string>;
  /** In others. */
  others: ReadonlySet<string>;
  /** Who was asked for. */
  leaders: ReadonlyMap<number, number>;
  looks: number;
}

const isPid = (name: string): boolean => /^[1-9][0-9]*$/.test(name);

/** A table that remembers whose processes are whose. */
export function createProcessTable(files: Pick<KernelFiles, 'read' | 'readOnce' | 'list'>): ProcessTable {
  const seen: Seen = { ours: new Set(), others: new Set(), leaders: new Map(), looks: 0 };
  return {
    sessions: (leaders) => {
      // Of a session that is asked for now there may be processes that belonged to nobody until now.
      const isNew = [...leaders].some(([session, start]) => seen.leaders.get(session) !== start);
      const isWhole = isNew || seen.looks % WHOLE_EVERY === 0;
      seen.looks += 1;
      const [ours, others] = [new Set<string>(), new Set<string>()];
      const found: ProcessTimes[] = [];
      const overlooked = new Set<number>();
      for (const pid of files.list('/proc')) {
        if (!isPid(pid)) continue;
        const wasOther = seen.others.has(pid);
        if (wasOther && !isWhole) {
          others.add(pid);
          continue;
        }
        const file = `/proc/${pid}/stat`;
        const times = parseProcess((seen.ours.has(pid) ? files.read(file) : files.readOnce(file)) ?? '');
        if (times === undefined) continue;
        const isOurs = leaders.has(times.session);
        (isOurs ? ours : others).add(pid);
        if (!isOurs) continue;
        found.push(times);
        const wasAsked = seen.leaders.get(times.session) === leaders.get(times.session);
        if (wasOther && wasAsked) overlooked.add(times.session);
      }
      [seen.ours, seen.others, seen.leaders] = [ours, others, new Map(leaders)];
      const sessions = new Map(bySession(found, leaders));
      for (const session of overlooked) sessions.delete(session);
      return sessions;
    },
  };
}
