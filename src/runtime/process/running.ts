/**
 * Owns what other programs of this node may know of the instances that the process driver runs: where the kernel counts what they use. Reads
 * the driver's files and changes nothing; a record is read again only when its folder changed.
 */
import { statSync } from 'node:fs';
import path from 'node:path';
import type { Cgroups } from '../cgroup/cgroup.ts';
import { folderOf, foldersBelow, readPids, readRecord, recordedIds } from './record.ts';

/** A running instance of the process driver. */
export interface RunningProcess {
  readonly service: string;
  readonly id: string;
  /** Another one for each start. */
  readonly run: string;
  readonly cgroups: Cgroups | undefined;
  /** Its program, which leads the session of all its processes (the shim is outside); undefined: not written down yet. */
  readonly main: { readonly pid: number; readonly startTicks: number } | undefined;
}

interface Known {
  readonly folder: string;
  readonly changedMs: number;
  readonly found: RunningProcess | undefined;
}

const changedMs = (folder: string): number => statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/**
 * A reader of the driver below an agent's state directory; none that can be read is none that runs.
 * @returns called, those that run now
 */
export function createRunningReader(stateDir: string): () => readonly RunningProcess[] {
  const folders = foldersBelow(path.join(stateDir, 'drivers', 'process'));
  let known: ReadonlyMap<string, Known> = new Map();

  const read = (id: string): RunningProcess | undefined => {
    const record = readRecord(folders, id);
    if (record === undefined || record.ended !== undefined) return undefined;
    const { service, run, cgroups } = record;
    const { main } = readPids(folders, id);
    return {
      service,
      id,
      run,
      cgroups,
      main: main && { pid: main.pid, startTicks: Number(main.startTicks) },
    };
  };
  return () => {
    const next = new Map<string, Known>();
    for (const id of recordedIds(folders)) {
      const before = known.get(id);
      const folder = before?.folder ?? folderOf(folders, id);
      const at = changedMs(folder);
      // Without its program it has only begun to be written down.
      const isSame = before?.changedMs === at && before.found?.main !== undefined;
      next.set(id, isSame ? before : { folder, changedMs: at, found: read(id) });
    }
    known = next;
    return [...next.values()].flatMap(({ found }) => found ?? []);
  };
}
