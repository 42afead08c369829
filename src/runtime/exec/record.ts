/** Owns what driver exec has on disk of an instance: everything that its commands need, written before the start. Files are the owner's only. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../../host/error-code.ts';
import { writeAtomic } from '../../host/files.ts';
import type { Cgroups } from '../cgroup/cgroup.ts';
import type { ExitStatus } from '../driver.ts';
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

const isRecord = (value: unknown, id: string): value is ExecRecord =>
  typeof value === 'object' &&
  value !== null &&
  'format' in value &&
  value.format === 1 &&
  'id' in value &&
  value.id === id &&
  'hooks' in value;

/** Folder of an instance; the id must have been checked. */
export const execFolder = (root: string, id: string): string => path.join(root, 'instances', id);

/** Files that its commands' output is appended to. */
export const outputFiles = (
  root: string,
  id: string,
): { readonly stdout: string; readonly stderr: string } => ({
  stdout: path.join(execFolder(root, id), 'stdout.log'),
  stderr: path.join(execFolder(root, id), 'stderr.log'),
});

/** The record, or undefined if there is none. */
export function readExecRecord(root: string, id: string): ExecRecord | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path.join(execFolder(root, id), 'record.json'), 'utf8'));
    return isRecord(value, id) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Writes the record, atomically, with the files that go with it. @throws SluiceError `failed`, `permission` */
export async function writeExecRecord(root: string, record: ExecRecord): Promise<void> {
  const folder = execFolder(root, record.id);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeAtomic(path.join(folder, 'record.json'), `${JSON.stringify(record)}\n`);
  for (const file of Object.values(outputFiles(root, record.id))) {
    const handle = await open(file, 'a', 0o640);
    await handle.close();
  }
}

/** Ids that have a folder. */
export function execIds(root: string): readonly string[] {
  try {
    return readdirSync(path.join(root, 'instances')).toSorted();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Forgets an instance, its record first. */
export async function removeExecFiles(root: string, id: string): Promise<void> {
  rmSync(path.join(execFolder(root, id), 'record.json'), { force: true });
  await rm(execFolder(root, id), { recursive: true, force: true });
}
