/** Owns how ends are told: what sh and container runtimes call an exit code, as code or signal; and the end that nobody saw. Pure. */
import { constants } from 'node:os';
import type { ExitStatus } from './driver.ts';

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

/**
 * sh, runc and crun give 128 + number for a signal; a program that itself ends with such a code looks the same.
 * @param at RFC 3339
 */
export function exitStatusOf(code: number, at: string): ExitStatus {
  const signal = code > SIGNAL_OFFSET ? SIGNAL_NAMES.get(code - SIGNAL_OFFSET) : undefined;
  return { code: signal === undefined ? code : undefined, signal, outOfMemory: false, at, lost: false };
}

/** Gone before there was anything. */
export const UNSTARTED: ExitStatus = { ...LOST, unstarted: true };
