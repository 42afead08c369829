/** Owns a file that grows line by line and never beyond a bound: each line is written whole, so that what was written can be read after a kill. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { SluiceError } from '../errors.ts';
import { errnoOf } from './error-code.ts';

/** Such a file. */
export interface LineFile {
  /** Appends a line, end included. @returns false if it would exceed the bound: nothing is written then. @throws SluiceError `failed` */
  readonly write: (line: string) => Promise<boolean>;
  readonly bytes: () => number;
  /** Written to the disk, and closed. @throws SluiceError `failed` */
  readonly close: () => Promise<void>;
}

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND;

function fileError(file: string, cause: unknown): SluiceError {
  const errno = errnoOf(cause);
  const isThere = errno === 'EEXIST';
  const code = errno === 'EACCES' || errno === 'EPERM' ? 'permission' : isThere ? 'usage' : 'failed';
  return new SluiceError(code, `cannot write ${JSON.stringify(file)}`, {
    why: isThere ? 'it exists already' : cause instanceof Error ? cause.message : String(cause),
    fix: isThere ? 'name another file, or remove it first' : 'check the disk and the path',
    details: { path: file, errno },
    cause,
  });
}

/**
 * Makes the file (0600). What is there already is never touched.
 * @throws SluiceError `usage` if it exists, `failed`, `permission`
 */
export async function createLineFile(file: string, maxBytes: number): Promise<LineFile> {
  const handle = await open(file, CREATE, 0o600).catch((error: unknown) => {
    throw fileError(file, error);
  });
  let bytes = 0;
  return {
    write: async (line) => {
      const size = Buffer.byteLength(line);
      if (bytes + size > maxBytes) return false;
      try {
        await handle.writeFile(line);
      } catch (error) {
        throw fileError(file, error);
      }
      bytes += size;
      return true;
    },
    bytes: () => bytes,
    close: async () => {
      try {
        await handle.sync();
      } catch (error) {
        throw fileError(file, error);
      } finally {
        await handle.close();
      }
    },
  };
}
