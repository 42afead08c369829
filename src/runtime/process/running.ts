/**
 * Owns which instances of the process driver run here and where what they use is counted, for whoever measures them from another process. Reads what
 * the driver keeps on disk, and of an instance only after a new start; must not write, nor start or end anything.
 */
import { statSync } from 'node:fs';
import path from 'node:path';
import { bootId } from '../../host/proc-stat.ts';
import { readSmallFile } from '../../host/small-file.ts';
import type { Cgroups } from '../cgroup/cgroup.ts';
import { folderOf, type Folders, foldersBelow, readPids, readRecord, recordedIds } from './record.ts';

/** An instance that was started. */
export interface RunningProcess {
  /** Another one for each start. */
  readonly run: string;
  /** Folders with the counts of its control groups; undefined: none. */
  readonly groups?:
    | {
        readonly version: 1 | 2;
        /** With cpuacct.usage (1) or cpu.stat (2). */
        readonly cpuFolder?: string | undefined;
        /** With memory.stat. */
        readonly memoryFolder?: string | undefined;
      }
    | undefined;
  /** Leader of the session of its processes. */
  readonly leader: { readonly pid: number; readonly startTicks: number };
  /** Cores that it may use; undefined: all. */
  readonly limitCores?: number | undefined;
}

/** Reads which run. */
export interface RunningReader {
  /** Instances by `SERVICE/ID`; of one that has just ended that may be told for a moment longer, its process is then gone. */
  readonly read: () => ReadonlyMap<string, RunningProcess>;
}

const COUNT = /^-?[0-9]{1,15}\s*$/;
const countIn = (file: string): number => {
  const text = readSmallFile(file) ?? '';
  return COUNT.test(text) ? Number(text) : Number.NaN;
};

/** Cores that a group of groups may use, as its files say; undefined without a limit. */
function limitOf({ version, folderOf: folders }: Cgroups): number | undefined {
  const folder = folders.cpu;
  if (folder === undefined) return undefined;
  const [quota, period] =
    version === 2
      ? (readSmallFile(`${folder}/cpu.max`) ?? '').trim().split(' ').map(Number)
      : [countIn(`${folder}/cpu.cfs_quota_us`), countIn(`${folder}/cpu.cfs_period_us`)];
  // -1 (version 1) and `max` (2) are no limit.
  const cores = (quota ?? Number.NaN) / (period ?? Number.NaN);
  return cores > 0 && Number.isFinite(cores) ? cores : undefined;
}

/** What tells one start from the next: the shim writes a new file each time. Undefined if there is none. */
function startOf(folders: Folders, id: string): string | undefined {
  try {
    const { ino, mtimeMs, size } = statSync(path.join(folderOf(folders, id), 'pids'));
    return `${ino} ${mtimeMs} ${size}`;
  } catch {
    return undefined;
  }
}

interface Known {
  readonly start: string;
  readonly name: string;
  readonly running: RunningProcess;
}

function readOne(folders: Folders, id: string, boot: string): Omit<Known, 'start'> | undefined {
  const record = readRecord(folders, id);
  const { main } = readPids(folders, id);
  if (record === undefined || main === undefined) return undefined;
  if (record.bootId !== boot || record.ended !== undefined) return undefined;
  const { cgroups, run, service } = record;
  const running: RunningProcess = {
    run,
    leader: { pid: main.pid, startTicks: Number(main.startTicks) },
    groups: cgroups && {
      version: cgroups.version,
      cpuFolder: cgroups.folderOf.cpuacct,
      memoryFolder: cgroups.folderOf.memory,
    },
    limitCores: cgroups && limitOf(cgroups),
  };
  return { name: `${service}/${id}`, running };
}

/** @param root folder of the driver (`<state-dir>/drivers/process`); it need not be there yet */
export function createRunningReader(root: string): RunningReader {
  const folders = foldersBelow(root);
  const boot = bootId();
  let known: ReadonlyMap<string, Known> = new Map();
  return {
    read: () => {
      const next = new Map<string, Known>();
      for (const id of recordedIds(folders)) {
        const start = startOf(folders, id);
        if (start === undefined) continue;
        const before = known.get(id);
        const found = before?.start === start ? before : readOne(folders, id, boot);
        if (found !== undefined) next.set(id, { ...found, start });
      }
      known = next;
      return new Map([...next.values()].map(({ name, running }) => [name, running]));
    },
  };
}
