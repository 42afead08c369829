/** Owns what running instances use, where control groups do not count it: one look at /proc for all of them. */
import { allPids, readProcStat, TICKS_PER_SECOND } from '../../host/proc-stat.ts';
import { cgroupUsage } from '../cgroup/usage.ts';
import type { Cgroups } from '../cgroup/cgroup.ts';
import type { Usage } from '../driver.ts';

/** A running instance. */
export interface Used {
  readonly id: string;
  readonly mainPid: number;
  readonly cgroups: Cgroups | undefined;
}

/** Node has no way to ask; all machines it runs on that matter here have it. */
const PAGE_BYTES = 4_096;

interface Sum {
  cpuTicks: number;
  pages: number;
  pids: number;
}

/** Sums of the processes of each of these sessions. */
function sessionSums(sessions: ReadonlySet<number>): ReadonlyMap<number, Sum> {
  const sums = new Map<number, Sum>();
  for (const pid of allPids()) {
    const stat = readProcStat(pid);
    if (stat === undefined || !sessions.has(stat.session)) continue;
    const sum = sums.get(stat.session) ?? { cpuTicks: 0, pages: 0, pids: 0 };
    sums.set(stat.session, {
      cpuTicks: sum.cpuTicks + stat.cpuTicks,
      pages: sum.pages + stat.residentPages,
      pids: sum.pids + 1,
    });
  }
  return sums;
}

const isWhole = (usage: Partial<Usage>): usage is Usage =>
  usage.cpuSeconds !== undefined && usage.memoryBytes !== undefined && usage.pids !== undefined;

/** Use of each; what has ended meanwhile is left out. */
export function usageOf(instances: readonly Used[]): ReadonlyMap<string, Usage> {
  const counted = instances.map((instance) => ({
    ...instance,
    usage: instance.cgroups === undefined ? {} : cgroupUsage(instance.cgroups),
  }));
  const missing = counted.filter(({ usage }) => !isWhole(usage)).map(({ mainPid }) => mainPid);
  const sums = missing.length === 0 ? new Map<number, Sum>() : sessionSums(new Set(missing));
  const found = new Map<string, Usage>();
  for (const { id, mainPid, usage } of counted) {
    const sum = sums.get(mainPid);
    if (isWhole(usage)) found.set(id, usage);
    else if (sum !== undefined) {
      found.set(id, {
        cpuSeconds: sum.cpuTicks / TICKS_PER_SECOND,
        memoryBytes: sum.pages * PAGE_BYTES,
        pids: sum.pids,
        outOfMemoryKills: 0,
        ...usage,
      });
    }
  }
  return found;
}
