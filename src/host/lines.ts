/**
 * Owns programs that run as long as we do and tell something line by line: started again when they end. Must not know what the lines
 * mean.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Clock } from './clock.ts';

/** What to run and whom to tell. Handlers must not throw. */
export interface LinesOptions {
  readonly argv: readonly string[];
  readonly clock: Clock;
  readonly onLine: (line: string) => void;
  /** It runs (again). `again`: lines may have been missed since it last ran. */
  readonly onUp: (again: boolean) => void;
  /** It ended, or could not be started; it will be tried again. */
  readonly onDown: (why: string) => void;
}

/** A program that is kept running. */
export interface Lines {
  readonly close: () => Promise<void>;
}

const RETRY_FIRST_MS = 100;
const RETRY_LAST_MS = 60_000;
/** One that runs this long has come up. */
const SETTLED_MS = 250;
/** Kills it when we die. What is run must not hold lines back: into a pipe programs write blocks of 4 KiB unless told otherwise. */
const WRAP = ['--pdeathsig', 'KILL', '--'];

/** Runs it once to its end. @returns why it ended */
async function runOnce(options: LinesOptions, signal: AbortSignal, onSettled: () => void): Promise<string> {
  const { argv, clock, onLine } = options;
  const child = spawn('setpriv', [...WRAP, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-500);
  });
  const lines = createInterface({ input: child.stdout });
  lines.on('line', onLine);
  const ended = new AbortController();
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  const settle = async (): Promise<void> => {
    await clock.sleep(SETTLED_MS, ended.signal);
    if (!ended.signal.aborted) onSettled();
  };
  void settle();
  const why = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, killedBy) =>
      resolve(stderr.trim().split('\n')[0] || `it ended with ${code ?? killedBy}`),
    );
  });
  ended.abort();
  lines.close();
  signal.removeEventListener('abort', kill);
  return why;
}

/** Keeps it running until it is closed. */
export function followLines(options: LinesOptions): Lines {
  const closing = new AbortController();
  let hasRun = false;
  let retryMs = RETRY_FIRST_MS;
  const onSettled = (): void => {
    options.onUp(hasRun);
    hasRun = true;
    retryMs = RETRY_FIRST_MS;
  };
  const running = (async () => {
    while (!closing.signal.aborted) {
      const why = await runOnce(options, closing.signal, onSettled);
      if (closing.signal.aborted) return;
      options.onDown(why);
      await options.clock.sleep(retryMs, closing.signal);
      retryMs = Math.min(retryMs * 2, RETRY_LAST_MS);
    }
  })();
  return {
    close: async () => {
      closing.abort();
      await running;
    },
  };
}
