/**
 * Owns what drivers have on disk alike: a folder for each instance with its record and the files of its output. Folders and records are the
 * owner's only, output its group's too. What a record holds is each driver's.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../host/error-code.ts';
import { writeAtomic } from '../host/files.ts';
import type { Cgroups } from './cgroup/cgroup.ts';
import type { ExitStatus, StartOrder } from './driver.ts';

/** What every driver keeps of an instance, written before its start. */
export interface StartRecord {
  readonly format: 1;
  readonly id: string;
  readonly service: string;
  readonly port: number;
  /** Boot in which it was started. */
  readonly bootId: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly cgroups?: Cgroups | undefined;
  readonly notes: readonly string[];
  readonly logs: StartOrder['logs'];
  /** Set once its end was seen and what it left behind is gone. */
  readonly ended?: ExitStatus | undefined;
}

const recordFile = (folder: string): string => path.join(folder, 'record.json');

/** Files that an instance's output is appended to. */
export const outputFiles = (folder: string): { readonly stdout: string; readonly stderr: string } => ({
  stdout: path.join(folder, 'stdout.log'),
  stderr: path.join(folder, 'stderr.log'),
});

/** Makes a folder for the owner only, with those above it. @throws the system's error */
export async function makeInstanceFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
}

/** Makes sure of the files of the output; earlier output stays. @throws the system's error */
export async function makeOutputFiles(folder: string): Promise<void> {
  for (const file of Object.values(outputFiles(folder))) {
    const handle = await open(file, 'a', 0o640);
    await handle.close();
  }
}

/** Records of one kind, each in the folder of its instance; ids must have been checked. @typeParam P where a driver has its folders */
export interface RecordFiles<P, R> {
  readonly folder: (place: P, id: string) => string;
  /** The record, or undefined if there is none or it is of another kind. */
  readonly read: (place: P, id: string) => R | undefined;
  /** Writes the record, atomically; its folder must be there. @throws SluiceError `failed`, `permission` */
  readonly write: (place: P, record: R) => Promise<void>;
  /** Makes the folder, the files of the output (earlier output stays) and the record. @throws SluiceError, or the system's error */
  readonly prepare: (place: P, record: R) => Promise<void>;
  /** Ids that have a folder, sorted; one without a record is left of a removal. @throws the system's error */
  readonly ids: (place: P) => readonly string[];
}

const isRecord = (value: unknown, id: string): value is object =>
  typeof value === 'object' &&
  value !== null &&
  'format' in value &&
  value.format === 1 &&
  'id' in value &&
  value.id === id;

/** Ids that have a folder, sorted; one without a record is left of a removal. @throws the system's error */
export function folderIds(instances: string): readonly string[] {
  try {
    return readdirSync(instances).toSorted();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** The records of a driver. @param instancesOf the folder of all @param isKind true for what this driver wrote, of values with format 1 */
export function recordFiles<P, R extends { readonly id: string }>(
  instancesOf: (place: P) => string,
  isKind: (value: object) => value is R,
): RecordFiles<P, R> {
  const folder = (place: P, id: string): string => path.join(instancesOf(place), id);
  const write = async (place: P, record: R): Promise<void> =>
    await writeAtomic(recordFile(folder(place, record.id)), `${JSON.stringify(record)}\n`);
  return {
    folder,
    write,
    read: (place, id) => {
      try {
        const value: unknown = JSON.parse(readFileSync(recordFile(folder(place, id)), 'utf8'));
        return isRecord(value, id) && isKind(value) ? value : undefined;
      } catch {
        return undefined;
      }
    },
    prepare: async (place, record) => {
      await makeInstanceFolder(folder(place, record.id));
      await makeOutputFiles(folder(place, record.id));
      await write(place, record);
    },
    ids: (place) => folderIds(instancesOf(place)),
  };
}

/** Forgets an instance: the record first, so that what is left of a broken removal is no instance. @throws the system's error */
export async function removeInstanceFolder(folder: string): Promise<void> {
  rmSync(recordFile(folder), { force: true });
  await rm(folder, { recursive: true, force: true });
}
