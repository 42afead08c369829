/** Owns what driver exec has on disk of an instance: everything that its commands need, written before the start. Files are the owner's only. */
import path from 'node:path';
import type { Cgroups } from '../cgroup/cgroup.ts';
import type { ExitStatus } from '../driver.ts';
import { recordFiles } from '../instance-folders.ts';
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
