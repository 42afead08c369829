/** Owns running a program to its end with its output going straight into files, which what it leaves running keeps. */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

/** Runs it. Never throws: without an exit code, `why` tells. At the end of its time it is killed. */
export async function runInto(
  [file = '', ...args]: readonly string[],
  {
    stdout,
    stderr,
    timeoutMs,
  }: { readonly stdout: string; readonly stderr: string; readonly timeoutMs: number },
): Promise<{ readonly exitCode: number | undefined; readonly why?: string | undefined }> {
  const files = [openSync(stdout, 'a'), openSync(stderr, 'a')];
  const child = spawn(file, args, {
    stdio: ['ignore', ...files],
    cwd: '/',
    env: { ...process.env, LC_ALL: 'C' },
    detached: true,
  });
  for (const fd of files) closeSync(fd);
  const timer = setTimeout(() => void child.kill('SIGKILL'), timeoutMs);
  try {
    return await new Promise((resolve) => {
      child.once('error', (error) =>
        resolve({ exitCode: undefined, why: `cannot run ${file}: ${error.message}` }),
      );
      child.once('exit', (code, signal) =>
        resolve(
          code === null ? { exitCode: undefined, why: `${file} was ended by ${signal}` } : { exitCode: code },
        ),
      );
    });
  } finally {
    clearTimeout(timer);
  }
}
