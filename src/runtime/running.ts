/**
 * Owns what other programs of this node may know of the instances that drivers run here: where the kernel counts what they use. Reads the
 * drivers' files and changes nothing; a record is read again only when its folder changed.
 */
import { statSync } from 'node:fs';
import path from 'node:path';
import type { DriverName } from '../model/template.ts';
import type { Cgroups } from './cgroup/cgroup.ts';
import { readExecRecord } from './exec/record.ts';
import { folderIds } from './instance-folders.ts';
import { readKept } from './kept/files.ts';
import { foldersBelow, readPids, readRecord } from './process/record.ts';

/** A running instance, of whatever driver. */
export interface RunningInstance {
  readonly service: string;
  readonly id: string;
  /** Another one for each start. */
  readonly run: string;
  readonly cgroups: Cgroups | undefined;
  /** Its program, which leads the session of all its processes; undefined: not known yet, or never (driver exec). */
  readonly main: { readonly pid: number; readonly startTicks: number } | undefined;
}

type Found = Omit<RunningInstance, 'main' | 'cgroups'> & {
  readonly cgroups?: Cgroups | undefined;
  readonly main?: { readonly pid: number; readonly startTicks: string } | undefined;
  readonly ended?: unknown;
};

/** How a driver's files below its root are read. */
interface Reader {
  readonly read: (root: string, id: string) => Found | undefined;
  /** What it writes down after the start names the main process. */
  readonly namesMain: boolean;
}

const KEPT: Reader = { read: readKept, namesMain: true };

/** Every driver that there is. */
const READERS: Readonly<Record<DriverName, Reader>> = {
  process: {
    read: (root, id) => {
      const record = readRecord(foldersBelow(root), id);
      return record && { ...record, main: readPids(foldersBelow(root), id).main };
    },
    namesMain: true,
  },
  exec: {
    read: (root, id) => {
      const record = readExecRecord(root, id);
      return record && { ...record, run: record.startedAt };
    },
    namesMain: false,
  },
  systemd: KEPT,
  podman: KEPT,
};

/** Folder of a driver below an agent's state directory. */
export const driverFolder = (stateDir: string, name: string): string => path.join(stateDir, 'drivers', name);

interface Known {
  readonly folder: string;
  readonly changedMs: number;
  readonly running: RunningInstance | undefined;
}

const changedMs = (folder: string): number => statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** What its driver has of an instance, unless it has ended. */
function runningOf(found: Found | undefined): RunningInstance | undefined {
  if (found === undefined || found.ended !== undefined) return undefined;
  const { service, id, run, cgroups, main } = found;
  return {
    service,
    id,
    run,
    cgroups,
    main: main && { pid: main.pid, startTicks: Number(main.startTicks) },
  };
}

/** A reader of one driver. */
function createDriverReader(root: string, { read, namesMain }: Reader): () => readonly RunningInstance[] {
  const instances = path.join(root, 'instances');
  let known: ReadonlyMap<string, Known> = new Map();
  return () => {
    const next = new Map<string, Known>();
    for (const id of folderIds(instances)) {
      const before = known.get(id);
      const folder = before?.folder ?? path.join(instances, id);
      const at = changedMs(folder);
      // Without its program it has only begun to be written down.
      const isWhole =
        before?.changedMs === at &&
        before.running !== undefined &&
        (before.running.main !== undefined || !namesMain);
      next.set(id, isWhole ? before : { folder, changedMs: at, running: runningOf(read(root, id)) });
    }
    known = next;
    return [...next.values()].flatMap(({ running }) => running ?? []);
  };
}

/**
 * A reader of all drivers below an agent's state directory; none that can be read is none that runs.
 * @returns called, those that run now
 */
export function createRunningReader(stateDir: string): () => readonly RunningInstance[] {
  const readers = Object.entries(READERS).map(([name, reader]) =>
    createDriverReader(driverFolder(stateDir, name), reader),
  );
  return () => readers.flatMap((read) => read());
}
