/**
 * Owns ending what an instance's program has left behind: all in its control groups, or without those its
 * session, and what bears the word of its start. Never looks at ids: another agent's instance on this machine may have the same one.
 */
import type { Clock } from '../../host/clock.ts';
import { allPids, hasVariable, isAlive, readProcStat } from '../../host/proc-stat.ts';
import { type Cgroups, removeCgroups } from '../cgroup/cgroup.ts';
import { cgroupPids, killCgroups } from '../cgroup/kill.ts';
import { RUN_VARIABLE } from '../own-variables.ts';
import type { WrittenPid } from './record.ts';

/** Whose. */
export interface Leftovers {
  /** Word of its start. */
  readonly run: string;
  readonly main: WrittenPid | undefined;
  readonly cgroups: Cgroups | undefined;
}

const ROUNDS = 200;
const PAUSE_MS = 5;
const REMOVE_ROUNDS = 50;

/**
 * Processes of the program's session, and those that were started with its word in their environment (they may have left the session). The
 * session counts only while its leader is the program itself, dead or alive: else the number may be another one's by now.
 */
function relatives({ run, main }: Leftovers): readonly number[] {
  if (main === undefined) return [];
  const leader = readProcStat(main.pid);
  const isOurs = leader === undefined || leader.startTicks === main.startTicks;
  return allPids().filter((pid) => {
    const stat = readProcStat(pid);
    if (stat === undefined || stat.state === 'Z' || stat.state === 'X') return false;
    if (Number(stat.startTicks) < Number(main.startTicks)) return false;
    if (stat.pid === main.pid) return isOurs;
    const inSession = isOurs && leader !== undefined && stat.session === main.pid;
    return inSession || hasVariable(pid, `${RUN_VARIABLE}=${run}`);
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}

/** Kills that very process, if it is still there. */
export function killProcess({ pid, startTicks }: WrittenPid): void {
  if (isAlive(pid, startTicks)) kill(pid);
}

/**
 * Kills all that is in groups and takes them away.
 * @returns false if something could not be ended (it hangs in the kernel)
 */
export async function endGroups(cgroups: Cgroups, clock: Clock): Promise<boolean> {
  if (!(await killCgroups(cgroups, clock))) return false;
  for (let round = 0; round < REMOVE_ROUNDS; round += 1) {
    if (await removeCgroups(cgroups)) return true;
    await clock.sleep(PAUSE_MS);
  }
  return cgroupPids(cgroups).length === 0;
}

/**
 * Kills all of it and takes the control groups away.
 * @returns false if something could not be ended (it hangs in the kernel)
 */
export async function endLeftovers(leftovers: Leftovers, clock: Clock): Promise<boolean> {
  const { cgroups } = leftovers;
  if (cgroups !== undefined) return await endGroups(cgroups, clock);
  for (let round = 0; round < ROUNDS; round += 1) {
    const pids = relatives(leftovers);
    if (pids.length === 0) return true;
    for (const pid of pids) kill(pid);
    await clock.sleep(PAUSE_MS);
  }
  return false;
}
