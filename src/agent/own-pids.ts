/** Owns knowing the agent's own programs by pid, so that what they change is not taken for a stranger's doing. */
import type { Exec } from '../host/exec.ts';

/** An Exec that remembers. */
export interface OwnPrograms {
  readonly exec: Exec;
  /** Remembers a program that was run in another way. */
  readonly add: (pid: number) => void;
  /** True for one of the last programs that were run. */
  readonly has: (pid: number) => boolean;
}

/** More than can be running or just have ended; few enough that a pid that comes back is a stranger's again. */
const REMEMBERED = 64;

/** Wraps an Exec. */
export function rememberPids(exec: Exec): OwnPrograms {
  const pids: number[] = [];
  const add = (pid: number): void => {
    pids.push(pid);
    if (pids.length > REMEMBERED) pids.shift();
  };
  return {
    exec: async (file, args, options) => await exec(file, args, { ...options, onPid: add }),
    add,
    has: (pid) => pids.includes(pid),
  };
}
