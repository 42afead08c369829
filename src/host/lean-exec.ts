/**
 * Owns running programs on the hot path: the same promise as exec.ts, without execa, which costs 4 ms of CPU a run (measured: 5.5 ms
 * against 1.5 ms for cat). The agent runs one program for each change of the rules.
 */
import { spawn } from 'node:child_process';
import { SluiceError } from '../errors.ts';
import type { Exec, ExecOptions, ExecResult } from './exec.ts';

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;

/** What ended a run before its time. */
type Bound = 'time' | 'output';

function notInstalled(file: string): SluiceError {
  return new SluiceError('config', `cannot run ${file}: it is not installed`, {
    why: `no program ${file} in PATH`,
    fix: 'install it (docs/install.md names the packages); for a trial use npm run quickstart',
    details: { program: file },
  });
}

function outOfBounds(file: string, bound: Bound, options: ExecOptions): SluiceError {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  return new SluiceError(
    'failed',
    `${file} ${bound === 'time' ? `ran longer than ${timeoutMs} ms` : 'printed too much'}`,
    {
      details: { program: file },
    },
  );
}

/** Gathers a stream up to a cap of bytes; `onFull` is called once it is passed. */
function gather(stream: NodeJS.ReadableStream, maxBytes: number, onFull: () => void): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) onFull();
    else chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

/** Runs a program to its end; see `Exec`. */
export const leanExec: Exec = (file, args, options = {}) =>
  new Promise<ExecResult>((resolve, reject) => {
    const child = spawn(file, args, { stdio: 'pipe', env: { ...process.env, LC_ALL: 'C', ...options.env } });
    if (child.pid !== undefined) options.onPid?.(child.pid);
    let passed: Bound | undefined;
    const stop = (bound: Bound): void => {
      passed ??= bound;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(() => stop('time'), options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    const stdout = gather(child.stdout, maxBytes, () => stop('output'));
    const stderr = gather(child.stderr, maxBytes, () => stop('output'));
    child.once('error', (cause: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(
        cause.code === 'ENOENT' || cause.code === 'EACCES'
          ? notInstalled(file)
          : new SluiceError('failed', `cannot run ${file}`, { why: cause.message, cause }),
      );
    });
    child.once('close', (exitCode, signal) => {
      clearTimeout(timer);
      if (passed !== undefined) return reject(outOfBounds(file, passed, options));
      if (exitCode !== null) return resolve({ exitCode, stdout: stdout(), stderr: stderr() });
      return reject(
        new SluiceError('failed', `${file} did not run to its end`, {
          why: `killed by ${signal}`,
          details: { program: file, signal },
        }),
      );
    });
    child.stdin.on('error', () => undefined); // it ended without reading all: its exit code tells
    child.stdin.end(options.input ?? '');
  });
