/**
 * Owns running a program of an order to its end: a probe, a hook, a command of driver exec. With the order's user, folder and environment,
 * never longer than its time: then its whole session is killed.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { openSync, closeSync } from 'node:fs';
import { systemClock } from '../../host/clock.ts';
import { plainText } from '../../model/text.ts';
import { checkWords } from './check-environment.ts';
import { type Launch, LAUNCH_ENV, LAUNCH_SCRIPT, scriptParameters } from './launch.ts';

/** Bounds of a run. */
export interface RunBounds {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Files that its output is appended to; default: the end of it is kept in `output`. */
  readonly append?: { readonly stdout: string; readonly stderr: string } | undefined;
}

/** How a run ended. */
export interface RunResult {
  /** Undefined: it was killed, or could not be started. */
  readonly code: number | undefined;
  /** Killed at the end of its time. */
  readonly timedOut: boolean;
  /** The last it printed, one line, at most 300 characters. */
  readonly output: string;
}

const KEEP_BYTES = 2_048;
const DRAIN_MS = 100;
const SHOW = 300;

function endOf(chunks: Buffer, chunk: Buffer): Buffer {
  return Buffer.concat([chunks, chunk]).subarray(-KEEP_BYTES);
}

/** Kills a session's processes: its group by number, as its leader has not been waited for. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, 'SIGKILL');
    } catch {
      // Not a leader yet, or gone.
    }
  }
}

/** Runs it. Never throws for what the program does; a signal that aborts kills it. */
export async function runAs(launch: Launch, bounds: RunBounds): Promise<RunResult> {
  checkWords(launch.command, launch.env);
  const { append } = bounds;
  const files = append === undefined ? [] : [openSync(append.stdout, 'a'), openSync(append.stderr, 'a')];
  const [stdout = 'pipe', stderr = 'pipe'] = files;
  const child = spawn('sh', ['-c', LAUNCH_SCRIPT, 'sluice', ...scriptParameters(launch)], {
    stdio: ['ignore', stdout, stderr],
    cwd: '/',
    env: { ...LAUNCH_ENV },
  });
  for (const file of files) closeSync(file);
  let output: Buffer = Buffer.alloc(0);
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output = endOf(output, chunk);
    });
  }
  let timedOut = false;
  const kill = (): void => killGroup(child.pid);
  const timer = setTimeout(() => {
    timedOut = true;
    kill();
  }, bounds.timeoutMs);
  bounds.signal.addEventListener('abort', kill, { once: true });
  if (bounds.signal.aborted) kill();
  const ended = await new Promise<{ code: number | undefined; error?: string }>((resolve) => {
    child.once('error', (error) => resolve({ code: undefined, error: error.message }));
    child.once('exit', (code) => resolve({ code: code ?? undefined }));
  });
  clearTimeout(timer);
  bounds.signal.removeEventListener('abort', kill);
  if (append === undefined) await drain(child);
  return { code: ended.code, timedOut, output: ended.error ?? plainText(output.toString('utf8'), SHOW) };
}

/** Reads what is in the pipes to their end, for a moment: a program that it left running may hold them open for ever. */
async function drain(child: ChildProcess): Promise<void> {
  const streams = [child.stdout, child.stderr];
  const ends = streams.flatMap((stream) =>
    stream === null || stream.closed ? [] : [new Promise((resolve) => void stream.once('close', resolve))],
  );
  const moment = new AbortController();
  await Promise.race([Promise.all(ends), systemClock.sleep(DRAIN_MS, moment.signal)]);
  moment.abort();
  for (const stream of streams) stream?.destroy();
}
