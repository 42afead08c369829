/**
 * Owns asking one process what it is doing, very often: its file of the kernel is held open, so that its pid is looked up once and never
 * stands for another process.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { parseProcStat } from './proc-stat.ts';

/** A process that is asked often. */
export interface HeldProcess {
  /** Its state, one letter (man 5 proc); undefined: it is gone or a zombie. A third of what reading the file by its name costs. */
  readonly state: () => string | undefined;
  readonly close: () => void;
}

/** A whole line; its second field, of any text in brackets, is within the first hundred bytes. */
const buffer = Buffer.alloc(1_024);
const STATE_WITHIN = 128;
const BRACKET = ')'.charCodeAt(0);

/** One byte a character; undefined: it is gone. */
function read(fd: number, bytes: number): number | undefined {
  try {
    return readSync(fd, buffer, 0, bytes, 0);
  } catch {
    return undefined; // ESRCH
  }
}

/** Holds that very process, or undefined if it is not there. One file descriptor until it is closed. */
export function holdProcess(pid: number, startTicks: string): HeldProcess | undefined {
  let fd: number;
  try {
    fd = openSync(`/proc/${pid}/stat`, 'r');
  } catch {
    return undefined;
  }
  const length = read(fd, buffer.length) ?? 0;
  if (parseProcStat(buffer.toString('latin1', 0, length))?.startTicks !== startTicks) {
    closeSync(fd);
    return undefined;
  }
  return {
    state: () => {
      const count = read(fd, STATE_WITHIN);
      if (count === undefined) return undefined;
      const state = String.fromCharCode(buffer[buffer.lastIndexOf(BRACKET, count - 1) + 2] ?? 0);
      return state === 'Z' || state === 'X' ? undefined : state;
    },
    close: () => closeSync(fd),
  };
}
