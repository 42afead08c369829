/** Owns where a driver with a keeper has its instances on disk; what is in a folder is as in instance-folders.ts. */
import path from 'node:path';
import { makeInstanceFolder, recordFiles } from '../instance-folders.ts';
import type { KeptRecord } from './keeper.ts';

const instancesOf = (root: string): string => path.join(root, 'instances');

const files = recordFiles(
  instancesOf,
  (value): value is KeptRecord => 'run' in value && typeof value.run === 'string',
);

/** Makes the driver's folders. */
export const makeKeptFolders = (root: string): Promise<void> => makeInstanceFolder(instancesOf(root));

/** Folder of an instance. */
export const keptFolder = files.folder;
/** The record, or undefined if there is none or it is of another kind. */
export const readKept = files.read;
/** Writes the record. @throws SluiceError `failed`, `permission` */
export const writeKept = files.write;
/** Makes the folder, the files of the output and the record. @throws SluiceError, or the system's error */
export const prepareKept = files.prepare;
/** Ids that have a folder; one without a record is left of a removal. */
export const keptIds = files.ids;
