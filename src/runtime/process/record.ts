/**
 * Owns what the process driver has on disk: a folder for each instance, with its record, the pids that the shim wrote, its logs; and one
 * folder of exit records. Everything is written before the shim is started.
 */
import { readFileSync, rmSync, statSync } from 'node:fs';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseProcStat } from '../../host/proc-stat.ts';
import { readSmallFile } from '../../host/small-file.ts';
import {
  makeInstanceFolder,
  makeOutputFiles,
  recordFiles,
  removeInstanceFolder,
  type StartRecord,
} from '../instance-folders.ts';
import { EXIT_LAST_WORD, EXIT_RECORD_BYTES } from './shim.ts';

/** What is kept of an instance; its environment is not, as it may hold secrets. */
export interface InstanceRecord extends StartRecord {
  /** Word of this start. */
  readonly run: string;
}

/** A process as the shim wrote it down. */
export interface WrittenPid {
  readonly pid: number;
  readonly startTicks: string;
}

/** The driver's folders. */
export interface Folders {
  readonly instances: string;
  readonly exits: string;
}

/** Exit record of a shim. */
export interface WrittenExit {
  /** What sh calls `$?`: above 128 it is a signal. */
  readonly code: number;
  readonly at: string;
}

/** Where things are below the driver's root. */
export const foldersBelow = (root: string): Folders => ({
  instances: path.join(root, 'instances'),
  exits: path.join(root, 'exits'),
});

/** Makes the folders, for the owner only. */
export async function makeFolders(folders: Folders): Promise<void> {
  await makeInstanceFolder(folders.instances);
  await makeInstanceFolder(folders.exits);
}

const files = recordFiles(
  ({ instances }: Folders) => instances,
  (value): value is InstanceRecord => 'run' in value && typeof value.run === 'string',
);

/** Folder of one instance. */
export const folderOf = files.folder;
/** The record of an instance, or undefined if there is none or it is of another kind. */
export const readRecord = files.read;
/** Writes the record. @throws SluiceError `failed`, `permission` */
export const writeRecord = files.write;
/** Ids that have a folder. */
export const recordedIds = files.ids;

/** The exit record of the next run, until it takes the place of the last one's. */
const NEXT_EXIT = 'exit.next';

/** Its room is on the disk when this resolves; the record of an earlier run is replaced, not written over. */
async function allocateExit(folder: string): Promise<void> {
  const file = path.join(folder, NEXT_EXIT);
  await rm(file, { force: true });
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(`${' '.repeat(EXIT_RECORD_BYTES - 1)}\n`);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

/**
 * Makes everything that a shim needs: an allocated exit record, the new run's word, logs, the record; then no trace of an earlier run but its
 * logs. What a full disk refuses is asked for first: how the earlier run ended is forgotten only when the new one is written down.
 */
export async function prepareRun(folders: Folders, record: InstanceRecord): Promise<void> {
  const folder = folderOf(folders, record.id);
  await makeInstanceFolder(folder);
  await allocateExit(folder);
  await writeFile(path.join(folder, 'run'), `${record.run}\n`, { mode: 0o600 });
  await makeOutputFiles(folder);
  // First, so that no record is ever beside pids that are not its own: without pids, nothing was started.
  await rm(path.join(folder, 'pids'), { force: true });
  await writeRecord(folders, record);
  await rename(path.join(folder, NEXT_EXIT), path.join(folders.exits, record.id));
}

/** Takes the word of a run away: no shim of it begins from now on. @throws the system's error (EROFS, EIO) */
export function withdrawRun(folders: Folders, id: string): void {
  rmSync(path.join(folderOf(folders, id), 'run'), { force: true });
}

/** Shim and program as far as they have written themselves down. */
export function readPids(
  folders: Folders,
  id: string,
): { readonly shim?: WrittenPid | undefined; readonly main?: WrittenPid | undefined } {
  let text: string;
  try {
    text = readFileSync(path.join(folderOf(folders, id), 'pids'), 'latin1');
  } catch {
    return {};
  }
  // What comes after the last line break is not whole yet.
  const [shim, main] = text
    .split('\n')
    .slice(0, -1)
    .map((line) => parseProcStat(line));
  return { shim, main };
}

/** How the shim says it ended; undefined if it has not. */
export function readExit(folders: Folders, { id, run }: InstanceRecord): WrittenExit | undefined {
  const file = path.join(folders.exits, id);
  const [found, code, last] = (readSmallFile(file) ?? '').trim().split(/ +/);
  if (found !== run || code === undefined || !/^\d{1,3}$/.test(code) || last !== EXIT_LAST_WORD)
    return undefined;
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? undefined : { code: Number(code), at: stat.mtime.toISOString() };
}

/** Forgets an instance: the record first, so that what is left of a broken removal is no instance. */
export async function removeFiles(folders: Folders, id: string): Promise<void> {
  await removeInstanceFolder(folderOf(folders, id));
  await rm(path.join(folders.exits, id), { force: true });
}
