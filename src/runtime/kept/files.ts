/** Owns where a driver with a keeper has its instances on disk; what is in a folder is as in instance-folders.ts. */
import path from 'node:path';
import {
  folderIds,
  isRecordOf,
  makeInstanceFolder,
  makeOutputFiles,
  readRecordIn,
  writeRecordIn,
} from '../instance-folders.ts';
import type { KeptRecord } from './keeper.ts';

const isRecord =
  (id: string) =>
  (value: unknown): value is KeptRecord =>
    isRecordOf(value, id) && 'run' in value && typeof value.run === 'string';

const instancesOf = (root: string): string => path.join(root, 'instances');

/** Folder of an instance; the id must have been checked. */
export const keptFolder = (root: string, id: string): string => path.join(instancesOf(root), id);

/** Makes the driver's folders. */
export const makeKeptFolders = (root: string): Promise<void> => makeInstanceFolder(instancesOf(root));

/** The record, or undefined if there is none or it is of another kind. */
export const readKept = (root: string, id: string): KeptRecord | undefined =>
  readRecordIn(keptFolder(root, id), isRecord(id));

/** Writes the record, atomically. @throws SluiceError `failed`, `permission` */
export const writeKept = (root: string, record: KeptRecord): Promise<void> =>
  writeRecordIn(keptFolder(root, record.id), record);

/** Makes the folder, the files of the output (earlier output stays) and the record. @throws SluiceError, or the system's error */
export async function prepareKept(root: string, record: KeptRecord): Promise<void> {
  const folder = keptFolder(root, record.id);
  await makeInstanceFolder(folder);
  await makeOutputFiles(folder);
  await writeKept(root, record);
}

/** Ids that have a folder; one without a record is left of a removal. */
export const keptIds = (root: string): readonly string[] => folderIds(instancesOf(root));
