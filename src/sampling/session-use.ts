/**
 * Owns what the processes of a session used between two looks, from their times. A sum over those alive would fall when one ends, and rise by a
 * child's whole life when its parent waits for it. Pure.
 */
import type { ProcessTimes } from './parse/process.ts';

/** The processes of one session, by pid. */
export type SessionProcesses = ReadonlyMap<number, ProcessTimes>;

/**
 * Processes by session, of those sessions that are asked for.
 * @param leaders start of the leader by session: a process that started earlier belongs to an older session of this number
 */
export function bySession(
  processes: readonly ProcessTimes[],
  leaders: ReadonlyMap<number, number>,
): ReadonlyMap<number, SessionProcesses> {
  // A leader with another start: the number was given to another session.
  const isOther = ({ pid, session, startTicks }: ProcessTimes): boolean =>
    pid === session && startTicks !== leaders.get(session);
  const others = new Set(processes.filter(isOther).map(({ session }) => session));
  const sessions = new Map<number, Map<number, ProcessTimes>>();
  for (const found of processes) {
    const startTicks = leaders.get(found.session);
    if (startTicks === undefined || found.startTicks < startTicks || others.has(found.session)) continue;
    const known = sessions.get(found.session);
    if (known === undefined) sessions.set(found.session, new Map([[found.pid, found]]));
    else known.set(found.pid, found);
  }
  return sessions;
}

const isSame = (a: ProcessTimes, b: ProcessTimes | undefined): b is ProcessTimes =>
  a.startTicks === b?.startTicks;

/**
 * Ticks used between two looks: what those alive used themselves, and what was waited for beyond what was seen of the ended ones before. What one
 * that nobody waited for used after the last look is not seen.
 * @returns undefined if a counter went back
 */
export function sessionTicks(before: SessionProcesses, after: SessionProcesses): number | undefined {
  let own = 0;
  let waited = 0;
  for (const now of after.values()) {
    const then = before.get(now.pid);
    const known = isSame(now, then) ? then : undefined;
    const [ownSince, waitedSince] = [
      now.ownTicks - (known?.ownTicks ?? 0),
      now.waitedTicks - (known?.waitedTicks ?? 0),
    ];
    if (ownSince < 0 || waitedSince < 0) return undefined;
    own += ownSince;
    waited += waitedSince;
  }
  let seenOfEnded = 0;
  for (const then of before.values()) {
    const hasEnded = !isSame(then, after.get(then.pid));
    // An orphan's time goes to nobody here.
    if (hasEnded && before.has(then.parentPid)) seenOfEnded += then.ownTicks + then.waitedTicks;
  }
  return own + Math.max(0, waited - seenOfEnded);
}

/** Memory of all of them, pages that they share counted for each. */
export function sessionPages(processes: SessionProcesses): number {
  let pages = 0;
  for (const { residentPages } of processes.values()) pages += residentPages;
  return pages;
}
