/**
 * Owns what drivers have on disk alike: a folder for each instance with its record and the files of its output. Folders and records are the
 * owner's only, output its group's too. What a record holds is each driver's.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../host/error-code.ts';
import { writeAtomic } from '../host/files.ts';

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

/** True for a record of format 1 of that instance; the rest is the driver's to look at. */
export const isRecordOf = (
  value: unknown,
  id: string,
): value is { readonly format: 1; readonly id: string } =>
  typeof value === 'object' &&
  value !== null &&
  'format' in value &&
  value.format === 1 &&
  'id' in value &&
  value.id === id;

/** The record in a folder, or undefined if there is none or it is of another kind. */
export function readRecordIn<T>(folder: string, isWanted: (value: unknown) => value is T): T | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(recordFile(folder), 'utf8'));
    return isWanted(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Writes the record, atomically. @throws SluiceError `failed`, `permission` */
export async function writeRecordIn(folder: string, record: object): Promise<void> {
  await writeAtomic(recordFile(folder), `${JSON.stringify(record)}\n`);
}

/** Ids that have a folder, sorted; one without a record is left of a removal. @throws the system's error */
export function folderIds(instances: string): readonly string[] {
  try {
    return readdirSync(instances).toSorted();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Forgets an instance: the record first, so that what is left of a broken removal is no instance. @throws the system's error */
export async function removeInstanceFolder(folder: string): Promise<void> {
  rmSync(recordFile(folder), { force: true });
  await rm(folder, { recursive: true, force: true });
}
