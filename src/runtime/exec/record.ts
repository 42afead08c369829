/** Owns what driver exec has on disk of an instance: everything that its commands need, written before the start. Files are the owner's only. */
import path from 'node:path';
import { recordFiles, type StartRecord } from '../instance-folders.ts';
import type { UserIds } from '../launch/user.ts';

/** An instance. */
export interface ExecRecord extends StartRecord {
  readonly hooks: { readonly stop: readonly string[]; readonly status: readonly string[] };
  readonly env: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly user: UserIds;
  readonly files: number | undefined;
}

const files = recordFiles(
  (root: string) => path.join(root, 'instances'),
  (value): value is ExecRecord => 'hooks' in value,
);

/** Folder of an instance. */
export const execFolder = files.folder;
/** The record, or undefined if there is none. */
export const readExecRecord = files.read;
/** Writes the record, with the files that go with it. @throws SluiceError `failed`, `permission` */
export const writeExecRecord = files.prepare;
/** Ids that have a folder. */
export const execIds = files.ids;
