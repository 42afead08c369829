/** Owns running programs: argv without a shell, bounded in time and output, input on stdin. The one place of execa. */
import { execa } from 'execa';
import { SluiceError } from '../errors.ts';

/** What a program did. */
export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run a program. */
export interface ExecOptions {
  readonly input?: string | undefined;
  /** Default 10,000 ms; then SIGKILL. */
  readonly timeoutMs?: number | undefined;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Cap of each output stream in bytes; default 64 MiB (a listing of 10,000 services is about 20 MB). */
  readonly maxBytes?: number | undefined;
  /** Told the process's pid as soon as it runs. */
  readonly onPid?: ((pid: number) => void) | undefined;
}

/** Runs a program to its end. Injected wherever programs are run, so that tests can fake it. */
export type Exec = (file: string, args: readonly string[], options?: ExecOptions) => Promise<ExecResult>;

/**
 * Runs a program and gives its exit code and output; a non-zero exit code is a result, not an error.
 * @throws SluiceError `config` if the program is not there, `failed` if it ran past its time or its output past the cap
 */
export const exec: Exec = async (file, args, options = {}) => {
  const timeoutMs = options.timeoutMs ?? 10_000;
  const child = execa(file, [...args], {
    reject: false,
    timeout: timeoutMs,
    forceKillAfterDelay: false,
    killSignal: 'SIGKILL',
    maxBuffer: options.maxBytes ?? 64 * 1024 * 1024,
    stripFinalNewline: false,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    env: { LC_ALL: 'C', ...options.env },
  });
  if (child.pid !== undefined) options.onPid?.(child.pid);
  const result = await child;
  // EACCES: not there, and a folder of PATH may not be read.
  if (result.code === 'ENOENT' || result.code === 'EACCES') {
    throw new SluiceError('config', `cannot run ${file}: it is not installed`, {
      why: `no program ${file} in PATH`,
      fix: 'install it (docs/install.md names the packages); for a trial use npm run quickstart',
      details: { program: file },
    });
  }
  if (result.timedOut || result.isMaxBuffer) {
    throw new SluiceError(
      'failed',
      `${file} ${result.timedOut ? `ran longer than ${timeoutMs} ms` : 'printed too much'}`,
      {
        why: result.stderr.slice(0, 500),
        details: { program: file, args },
      },
    );
  }
  if (result.exitCode === undefined) {
    throw new SluiceError('failed', `${file} did not run to its end`, {
      why: result.shortMessage,
      details: { program: file, signal: result.signal },
      cause: result,
    });
  }
  return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr };
};
