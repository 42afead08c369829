/** Owns finding the program of a command, and telling beforehand why it could not be run. */
import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { errnoOf } from '../../host/error-code.ts';
import { quoteValue } from '../../model/text.ts';
import { SluiceError } from '../../errors.ts';

/** Where programs without a slash are looked for if the order's environment has no PATH. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A program on this node. */
export interface Program {
  /** As named or as found in PATH; absolute. */
  readonly path: string;
  /** With all symbolic links followed. */
  readonly real: string;
}

/** A regular file with an execute bit. */
function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    const stat = statSync(path);
    return stat.isFile() && (stat.mode & 0o111) !== 0;
  } catch {
    return false;
  }
}

function cannotRun(name: string, why: string, fix: string): SluiceError {
  return new SluiceError('failed', `cannot run ${quoteValue(name)}`, {
    why,
    fix,
    details: { program: name },
  });
}

/** What is at a path that is no program. */
function reasonAt(path: string): string {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) return `${path} is no file`;
    return (stat.mode & 0o111) === 0
      ? `${path} has no execute permission (mode ${(stat.mode & 0o777).toString(8)})`
      : `${path} may not be executed here (permission, or a file system mounted noexec)`;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') return `there is no ${path}`;
    return `${path} cannot be looked at (${errno ?? 'unknown error'})`;
  }
}

/**
 * Finds the program that a command's first word names: an absolute path, or a name that is looked for in PATH.
 * @throws SluiceError `failed` if there is none, with the places looked in
 */
export async function findProgram(name: string, pathVariable: string = DEFAULT_PATH): Promise<Program> {
  const isPath = name.includes('/');
  if (isPath && !name.startsWith('/')) {
    throw cannotRun(name, 'it is a relative path', 'write an absolute path, or a name that is in PATH');
  }
  const folders = pathVariable.split(':').filter((folder) => folder.startsWith('/'));
  const candidates = isPath ? [name] : folders.map((folder) => `${folder}/${name}`);
  const path = candidates.find(isProgram);
  if (path === undefined) {
    const why = isPath ? reasonAt(name) : `no program of that name in PATH ${quoteValue(pathVariable)}`;
    throw cannotRun(name, why, 'install it on this node, or correct the command');
  }
  // `env` would take it for a variable.
  if (path.includes('=')) throw cannotRun(name, `the path ${path} holds a "="`, 'rename it');
  return { path, real: await realpath(path) };
}

/** Those of the programs that are not in PATH. */
export async function missingPrograms(
  names: readonly string[],
  pathVariable?: string,
): Promise<readonly string[]> {
  const found = await Promise.allSettled(names.map((name) => findProgram(name, pathVariable)));
  return names.filter((_, at) => found[at]?.status === 'rejected');
}

function firstBytes(file: string): Buffer {
  const bytes = Buffer.alloc(256);
  const fd = openSync(file, 'r');
  try {
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(fd);
  }
}

/**
 * Checks that the kernel can execute it: ELF, or `#!` with an interpreter that is there. Else the C library would hand it to a shell.
 * @throws SluiceError `failed`
 */
export function checkFormat({ path, real }: Program): void {
  let head: Buffer;
  try {
    head = firstBytes(real);
  } catch (error) {
    if (errnoOf(error) === 'EACCES') return; // executable but not readable for us: the kernel will tell
    throw cannotRun(path, `it cannot be read (${errnoOf(error) ?? 'unknown error'})`, 'check the file');
  }
  if (head.subarray(0, 4).equals(Buffer.from('\u007fELF'))) return;
  const script = /^#![ \t]*([^\s\0]+)/.exec(head.toString('latin1'))?.[1];
  if (script === undefined) {
    throw cannotRun(
      path,
      'exec format: it is neither a binary (ELF) nor begins with #!',
      'write the interpreter into the first line, e.g. #!/bin/sh',
    );
  }
  if (!isProgram(script))
    throw cannotRun(path, `its interpreter is missing: ${reasonAt(script)}`, 'install the interpreter');
}
