/** Owns judging what an instance is doing from its record, its exit record and /proc. Never guesses: what is not known is `lost`. */
import { constants } from 'node:os';
import { allPids, isAlive, readCommandLine } from '../../host/proc-stat.ts';
import type { ExitStatus } from '../driver.ts';
import {
  type Folders,
  folderOf,
  type InstanceRecord,
  readExit,
  readPids,
  type WrittenPid,
} from './record.ts';
import { isShimOf } from './shim.ts';

/** What an instance is doing. */
export type Sight =
  | { readonly kind: 'running'; readonly main: WrittenPid }
  | { readonly kind: 'exited'; readonly exit: ExitStatus }
  /** Written down, and no sign of its shim: not started, or about to be by an agent that was killed meanwhile. */
  | { readonly kind: 'unstarted' }
  /** Its shim runs, and will write down the program's pid (`starting`) or its end (`ending`) in a moment. */
  | { readonly kind: 'starting' | 'ending'; readonly shim: WrittenPid | undefined };

const SIGNAL_OFFSET = 128;
const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/** Gone without a word. */
export const LOST: ExitStatus = {
  code: undefined,
  signal: undefined,
  outOfMemory: false,
  at: undefined,
  lost: true,
};

/** Gone before there was anything. */
export const UNSTARTED: ExitStatus = { ...LOST, unstarted: true };

/** sh gives 128 + number for a signal; a program that itself ends with such a code looks the same. */
function exitStatus(code: number, at: string): ExitStatus {
  const signal = code > SIGNAL_OFFSET ? SIGNAL_NAMES.get(code - SIGNAL_OFFSET) : undefined;
  return { code: signal === undefined ? code : undefined, signal, outOfMemory: false, at, lost: false };
}

/** True if a shim of this run is there that has not written itself down yet. Looks through all of /proc: rare. */
function hasUnwrittenShim(folder: string, run: string): boolean {
  return allPids().some((pid) => isShimOf(readCommandLine(pid), folder, run));
}

/**
 * What the instance is doing now.
 * @param boot id of the present boot
 */
export function observe(folders: Folders, record: InstanceRecord, boot: string): Sight {
  if (record.ended !== undefined) return { kind: 'exited', exit: record.ended };
  const exit = readExit(folders, record);
  if (exit !== undefined) return { kind: 'exited', exit: exitStatus(exit.code, exit.at) };
  if (record.bootId !== boot) return { kind: 'exited', exit: LOST };
  const { shim, main } = readPids(folders, record.id);
  if (main !== undefined && isAlive(main.pid, main.startTicks)) return { kind: 'running', main };
  const isShimAlive =
    shim === undefined
      ? hasUnwrittenShim(folderOf(folders, record.id), record.run)
      : isAlive(shim.pid, shim.startTicks);
  if (isShimAlive) return { kind: main === undefined ? 'starting' : 'ending', shim };
  // It may have written its last word between the two looks.
  const last = readExit(folders, record);
  if (last !== undefined) return { kind: 'exited', exit: exitStatus(last.code, last.at) };
  return shim === undefined ? { kind: 'unstarted' } : { kind: 'exited', exit: LOST };
}
