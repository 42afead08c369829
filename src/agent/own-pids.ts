/** Owns knowing the agent's own programs by pid, so that what they change is not taken for a stranger's doing. */
import type { Exec } from '../host/exec.ts';
import type { OpenPipe } from '../host/pipe.ts';

/** An Exec and an OpenPipe that remember. */
export interface OwnPrograms {
  readonly exec: Exec;
  /** Programs that stay are known as long as they run, however many others are run meanwhile. */
  readonly openPipe: OpenPipe;
  /** Remembers a program that was run in another way. */
  readonly add: (pid: number) => void;
  /** True for one that stays, and for one of the last programs that were run. */
  readonly has: (pid: number) => boolean;
}

/** More than can be running or just have ended; few enough that a pid that comes back is a stranger's again. */
const REMEMBERED = 64;

/** Wraps both ways to run a program. */
export function rememberPids(exec: Exec, openPipe: OpenPipe): OwnPrograms {
  const pids: number[] = [];
  const staying = new Set<number>();
  const add = (pid: number): void => {
    pids.push(pid);
    if (pids.length > REMEMBERED) pids.shift();
  };
  return {
    exec: async (file, args, options) => await exec(file, args, { ...options, onPid: add }),
    openPipe: (file, args, env) => {
      const pipe = openPipe(file, args, env);
      const { pid } = pipe;
      if (pid === undefined) return pipe;
      staying.add(pid);
      // What it committed last may be told only after its end.
      pipe.onEnd(() => {
        staying.delete(pid);
        add(pid);
      });
      return pipe;
    },
    add,
    has: (pid) => staying.has(pid) || pids.includes(pid),
  };
}
