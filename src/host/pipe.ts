/**
 * Owns long-lived programs that are spoken to through a pipe. They do not keep this process alive, and end with it: their input ends when this
 * process does, however it ends.
 */
import { spawn } from 'node:child_process';

/** A running program. */
export interface Pipe {
  readonly pid: number | undefined;
  /** Sends text to its input. */
  readonly write: (text: string) => void;
  /** Calls back with what it prints on stderr, as it comes. Its stdout is dropped. */
  readonly onStderr: (listener: (text: string) => void) => void;
  /** Calls back once when it has ended or could not be started. */
  readonly onEnd: (listener: () => void) => void;
  readonly kill: () => void;
}

/** Starts a program; never throws, what goes wrong ends the pipe. Injected wherever programs are kept running. */
export type OpenPipe = (
  file: string,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
) => Pipe;

/** Lets the process end though this handle is open; streams of child processes have it, their type does not say so. */
function unref(handle: object | null): void {
  if (handle !== null && 'unref' in handle && typeof handle.unref === 'function') handle.unref();
}

/** Programs of this machine, in this process's own namespaces. */
export const openPipe: OpenPipe = (file, args, env = {}) => {
  const child = spawn(file, args, {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { ...process.env, LC_ALL: 'C', ...env },
  });
  child.unref();
  unref(child.stdin);
  unref(child.stderr);
  child.stderr.setEncoding('utf8');
  // A write to a program that has ended: its end is told by onEnd.
  child.stdin.on('error', () => {});
  return {
    pid: child.pid,
    write: (text) => {
      child.stdin.write(text);
    },
    onStderr: (listener) => {
      child.stderr.on('data', listener);
    },
    onEnd: (listener) => {
      child.once('error', listener);
      child.once('close', listener);
    },
    kill: () => {
      child.kill('SIGKILL');
    },
  };
};
