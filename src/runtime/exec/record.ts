/** Owns what driver exec has on disk of an instance: everything that its commands need, written before the start. Files are the owner's only. */
import path from 'node:path';
import type { Cgroups } from '../cgroup/cgroup.ts';
import type { ExitStatus } from '../driver.ts';
import {
  folderIds,
  isRecordOf,
  makeInstanceFolder,
  makeOutputFiles,
  readRecordIn,
  writeRecordIn,
} from '../instance-folders.ts';
import type { UserIds } from '../launch/user.ts';

/** An instance. */
export interface ExecRecord {
  readonly format: 1;
  readonly id: string;
  readonly service: string;
  readonly port: number;
  readonly bootId: string;
  readonly startedAt: string;
  readonly hooks: { readonly stop: readonly string[]; readonly status: readonly string[] };
  readonly env: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly user: UserIds;
  readonly files: number | undefined;
  readonly cgroups: Cgroups | undefined;
  readonly notes: readonly string[];
  readonly logs: { readonly maxBytes: number; readonly keep: number };
  readonly ended?: ExitStatus | undefined;
}

const isRecord =
  (id: string) =>
  (value: unknown): value is ExecRecord =>
    isRecordOf(value, id) && 'hooks' in value;

/** The folder that holds them all. */
const instancesOf = (root: string): string => path.join(root, 'instances');

/** Folder of an instance; the id must have been checked. */
export const execFolder = (root: string, id: string): string => path.join(instancesOf(root), id);

/** The record, or undefined if there is none. */
export const readExecRecord = (root: string, id: string): ExecRecord | undefined =>
  readRecordIn(execFolder(root, id), isRecord(id));

/** Writes the record, atomically, with the files that go with it. @throws SluiceError `failed`, `permission` */
export async function writeExecRecord(root: string, record: ExecRecord): Promise<void> {
  const folder = execFolder(root, record.id);
  await makeInstanceFolder(folder);
  await writeRecordIn(folder, record);
  await makeOutputFiles(folder);
}

/** Ids that have a folder. */
export const execIds = (root: string): readonly string[] => folderIds(instancesOf(root));
