/**
 * Owns what a driver with a keeper has on disk: a folder for each instance with its record and its output. Files are the owner's only, output
 * its group's too.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../../host/error-code.ts';
import { writeAtomic } from '../../host/files.ts';
import type { KeptRecord } from './keeper.ts';

const isRecord = (value: unknown, id: string): value is KeptRecord =>
  typeof value === 'object' &&
  value !== null &&
  'format' in value &&
  value.format === 1 &&
  'id' in value &&
  value.id === id &&
  'run' in value &&
  typeof value.run === 'string';

/** Folder of an instance; the id must have been checked. */
export const keptFolder = (root: string, id: string): string => path.join(root, 'instances', id);

/** Files that an instance's output goes to. */
export function outputFiles(root: string, id: string): { readonly stdout: string; readonly stderr: string } {
  const folder = keptFolder(root, id);
  return { stdout: path.join(folder, 'stdout.log'), stderr: path.join(folder, 'stderr.log') };
}

/** Makes the driver's folders. */
export async function makeKeptFolders(root: string): Promise<void> {
  await mkdir(path.join(root, 'instances'), { recursive: true, mode: 0o700 });
}

/** The record, or undefined if there is none or it is of another kind. */
export function readKept(root: string, id: string): KeptRecord | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path.join(keptFolder(root, id), 'record.json'), 'utf8'));
    return isRecord(value, id) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Writes the record, atomically. @throws SluiceError `failed`, `permission` */
export async function writeKept(root: string, record: KeptRecord): Promise<void> {
  await writeAtomic(path.join(keptFolder(root, record.id), 'record.json'), `${JSON.stringify(record)}\n`);
}

/** Makes the folder, the files of the output (earlier output stays) and the record. @throws SluiceError, or the system's error */
export async function prepareKept(root: string, record: KeptRecord): Promise<void> {
  await mkdir(keptFolder(root, record.id), { recursive: true, mode: 0o700 });
  for (const file of Object.values(outputFiles(root, record.id))) {
    const handle = await open(file, 'a', 0o640);
    await handle.close();
  }
  await writeKept(root, record);
}

/** Ids that have a folder; one without a record is left of a removal. */
export function keptIds(root: string): readonly string[] {
  try {
    return readdirSync(path.join(root, 'instances')).toSorted();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Forgets an instance, its record first. */
export async function removeKept(root: string, id: string): Promise<void> {
  rmSync(path.join(keptFolder(root, id), 'record.json'), { force: true });
  await rm(keptFolder(root, id), { recursive: true, force: true });
}
