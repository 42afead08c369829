/**
 * Owns reading small files of the kernel again and again: opened once, read from the start each time, synchronously (measured: half of what
 * opening each time costs, a tenth of asynchronous reading). A descriptor that fails is closed and opened anew at the next read.
 */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';

/** Files of the kernel. */
export interface KernelFiles {
  /** Text from the start of the file, at most 64 KiB, one byte a character; undefined if it cannot be read now. */
  readonly read: (path: string) => string | undefined;
  /** The same without keeping it open, for what is read once. */
  readonly readOnce: (path: string) => string | undefined;
  /** Names in a folder; none if it cannot be read. */
  readonly list: (path: string) => readonly string[];
  /** Closes what was not read since the last sweep. */
  readonly sweep: () => void;
  readonly close: () => void;
}

const BUFFER_BYTES = 64 * 1024;
/** More files than this are opened for each read: a process may hold 1,024 in the worst case. */
const MAX_OPEN = 800;

interface Kept {
  readonly fd: number;
  used: boolean;
}

function open(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch {
    return undefined;
  }
}

/** Kept-open files of this machine. */
export function createKernelFiles(): KernelFiles {
  const buffer = Buffer.alloc(BUFFER_BYTES);
  const kept = new Map<string, Kept>();
  const textOf = (fd: number): string | undefined => {
    try {
      return buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, 0));
    } catch {
      return undefined;
    }
  };
  const drop = (path: string, { fd }: Kept): void => {
    kept.delete(path);
    closeSync(fd);
  };
  const readOnce = (path: string): string | undefined => {
    const fd = open(path);
    if (fd === undefined) return undefined;
    const text = textOf(fd);
    closeSync(fd);
    return text;
  };
  const keep = (path: string): Kept | undefined => {
    const fd = open(path);
    if (fd === undefined) return undefined;
    const fresh = { fd, used: true };
    kept.set(path, fresh);
    return fresh;
  };
  return {
    read: (path) => {
      const known = kept.get(path);
      if (known === undefined && kept.size >= MAX_OPEN) return readOnce(path);
      const file = known ?? keep(path);
      if (file === undefined) return undefined;
      file.used = true;
      const text = textOf(file.fd);
      if (text !== undefined) return text;
      drop(path, file);
      // What it named is gone; something new may have its name.
      return known === undefined ? undefined : readOnce(path);
    },
    readOnce,
    list: (path) => {
      try {
        return readdirSync(path);
      } catch {
        return [];
      }
    },
    sweep: () => {
      for (const [path, file] of kept) {
        if (!file.used) drop(path, file);
        file.used = false;
      }
    },
    close: () => {
      for (const [path, file] of kept) drop(path, file);
    },
  };
}
