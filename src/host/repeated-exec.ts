/**
 * Owns running the same few programs again and again, each from a small shell of its own (coprocess.ts): a start from a process that is large and
 * busy costs it 5 ms of processor, from there 1 ms.
 */
import { type Coprocess, createCoprocess } from './coprocess.ts';
import type { Exec } from './exec.ts';

/** An `Exec` that keeps shells. */
export interface RepeatedExec {
  /**
   * Runs a program; both its streams come back in either. Calls with the same words must not overlap. A program that is not there has the exit
   * code 127.
   */
  readonly exec: Exec;
  readonly close: () => void;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** Makes one; a shell is started at the first run of a program with its arguments. */
export function createRepeatedExec(): RepeatedExec {
  const shells = new Map<string, Coprocess>();
  return {
    exec: async (file, args, options = {}) => {
      const key = JSON.stringify([file, ...args]);
      const shell = shells.get(key) ?? createCoprocess([file, ...args]);
      shells.set(key, shell);
      const { exitCode, stderr: said } = await shell.run(
        options.input ?? '',
        options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      );
      return { exitCode, stdout: said, stderr: said };
    },
    close: () => {
      for (const shell of shells.values()) shell.close();
      shells.clear();
    },
  };
}
