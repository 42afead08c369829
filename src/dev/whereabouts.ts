/**
 * Owns finding a running `sluice dev` from a second terminal: a small file per running one, in a folder that only its user can
 * write, and the command line that enters its client machine.
 */
import { lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SluiceError } from '../errors.ts';
import { readBounded, writeAtomic } from '../host/files.ts';
import { childrenOf } from './sandbox.ts';

/** What a running `sluice dev` writes about itself. */
export interface Whereabouts {
  /** Process, as seen outside, that holds the sandbox. */
  readonly outerPid: number;
  /** Process, as seen inside, that holds the client's network. */
  readonly clientPid: number;
  readonly env: Readonly<Record<string, string>>;
}

const MAX_BYTES = 64 * 1024;

/**
 * The folder of the files, made if absent.
 * @throws SluiceError `permission` if it belongs to somebody else or others may write it: its contents would be commands of theirs
 */
export async function whereaboutsFolder(uid: number): Promise<string> {
  const folder = path.join(tmpdir(), `sluice-dev-${uid}`);
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const facts = await lstat(folder);
  if (facts.isDirectory() && facts.uid === uid && (facts.mode & 0o022) === 0) return folder;
  throw new SluiceError('permission', `${folder} is not a folder of this user alone`, {
    why: 'what is in it says which processes to enter',
    fix: 'remove it, or set TMPDIR',
  });
}

/** File of the `sluice dev` whose outer process has this pid. */
export const whereaboutsFile = (folder: string, outerPid: number): string =>
  path.join(folder, `${outerPid}.json`);

/** Writes the file; called inside the sandbox, once everything is up. */
export async function writeWhereabouts(file: string, whereabouts: Whereabouts): Promise<void> {
  await writeAtomic(file, JSON.stringify(whereabouts));
}

function isWhereabouts(value: unknown): value is Whereabouts {
  if (typeof value !== 'object' || value === null) return false;
  const { outerPid, clientPid, env }: { outerPid?: unknown; clientPid?: unknown; env?: unknown } = value;
  return (
    Number.isSafeInteger(outerPid) &&
    Number.isSafeInteger(clientPid) &&
    typeof env === 'object' &&
    env !== null
  );
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The newest running `sluice dev` of this user, or undefined. Files of ended ones are removed. */
export async function findRunning(folder: string): Promise<Whereabouts | undefined> {
  const pids = (await readdir(folder)).map((name) => Number.parseInt(name, 10)).filter((pid) => pid > 0);
  for (const pid of pids.toSorted((a, b) => b - a)) {
    const file = whereaboutsFile(folder, pid);
    if (!isRunning(pid)) {
      await rm(file, { force: true });
      continue;
    }
    const text = await readBounded(file, MAX_BYTES);
    const value: unknown = text === undefined ? undefined : JSON.parse(text);
    if (isWhereabouts(value)) return value;
  }
  return undefined;
}

/**
 * Command line that runs `argv` on the client machine of a running `sluice dev`.
 * @param isRoot whether this process is root, and the sandbox therefore has no user namespace of its own
 * @throws SluiceError `unavailable` if it has just ended
 */
export function enterArgv(
  { outerPid, clientPid }: Whereabouts,
  argv: readonly string[],
  isRoot: boolean,
): readonly string[] {
  const init = childrenOf(outerPid).flatMap(childrenOf)[0];
  if (init === undefined) {
    throw new SluiceError('unavailable', 'the running sluice dev has just ended', {
      fix: 'start it again: sluice dev',
    });
  }
  const user = isRoot ? [] : ['--user', '--preserve-credentials'];
  const sandbox = ['nsenter', '--target', String(init), ...user, '--mount', '--pid', '--net', '--'];
  return [...sandbox, 'nsenter', '--target', String(clientPid), '--net', '--', ...argv];
}
