/** Owns when output is rotated, one file at a time, and saying what went wrong once, not every second. */
import { statSync } from 'node:fs';
import { errnoOf } from '../../host/error-code.ts';
import type { Exec } from '../../host/exec.ts';
import type { Log } from '../../host/log.ts';
import type { LogFile } from './log-file.ts';
import { rotate } from './rotate.ts';

/** A file that may have to be rotated. */
export interface Rotated {
  readonly id: string;
  readonly log: LogFile;
  readonly maxBytes: number;
  readonly keep: number;
}

/** Rotates what has grown too long; `look` may be called as often as one likes. */
export interface Rotator {
  readonly look: (files: Iterable<Rotated>) => Promise<void>;
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}

/** A file that does not grow is passed over, at first by one look, then by up to so many. */
const MOST_PASSED = 3;

/** What the last looks at a file found. */
interface Seen {
  readonly size: number;
  /** Looks to pass over after each one, and how many of them are left. */
  readonly pass: number;
  readonly left: number;
}

/** Makes a rotator. */
export function createRotator(log: Pick<Log, 'warn' | 'error'>, run?: Exec): Rotator {
  /** Files whose rotation failed, until it succeeds again. */
  const failing = new Set<string>();
  const seen = new WeakMap<LogFile, Seen>();
  let saidEmptied = false;
  let busy = false;
  const rotateOne = async ({ id, log: file, keep }: Rotated): Promise<void> => {
    try {
      const how = await rotate(file, keep, run);
      failing.delete(file.file);
      if (how !== 'emptied' || saidEmptied) return;
      saidEmptied = true;
      log.warn('logs are rotated by emptying the file: lines written in that instant may be lost', {
        instance: id,
        file: file.file,
        why: 'the file system or fallocate cannot cut the front off a file (ext4 and xfs can)',
      });
    } catch (error) {
      if (failing.has(file.file)) return;
      failing.add(file.file);
      log.error('a log cannot be rotated and grows on; nothing of it is lost', {
        instance: id,
        file: file.file,
        why: errnoOf(error) ?? String(error),
      });
    }
  };
  /** True if it is too long now. */
  const isDue = ({ log: file, maxBytes }: Rotated): boolean => {
    const before = seen.get(file);
    if (before !== undefined && before.left > 0) {
      seen.set(file, { ...before, left: before.left - 1 });
      return false;
    }
    const size = sizeOf(file.file);
    const isStill = size <= maxBytes && before?.size === size;
    const pass = isStill ? Math.min(before.pass + 1, MOST_PASSED) : 0;
    seen.set(file, { size, pass, left: pass });
    return size > maxBytes;
  };
  return {
    look: async (files) => {
      if (busy) return;
      busy = true;
      try {
        for (const file of files) if (isDue(file)) await rotateOne(file);
      } finally {
        busy = false;
      }
    },
  };
}
