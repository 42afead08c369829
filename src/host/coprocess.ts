/**
 * Owns running one program again and again with another input each time, started by a small shell that lives as long as its owner. A
 * start from a large process blocks it while its memory map is copied (measured in an agent on a busy machine: 25 ms; from here: 2 ms).
 * A program that does nothing before it has read its input can be started ahead, and waits for it: iptables-restore then takes 9 ms
 * instead of 19. The shell's scripts are fixed; inputs go through its pipe to the program and are never read by the shell itself.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { SluiceError } from '../errors.ts';
import type { ExecResult } from './exec.ts';

/** Tells the program's pid on a line (by the shell that becomes the program). */
const BECOME = `become() { IFS=' ' read -r pid rest </proc/self/stat; echo "$pid"; exec "$@"; }`;

/**
 * A request is the input's length in bytes on a line, then the input; the answer is the program's pid on a line, its output, a NUL, and the exit
 * code on a line. `head` reads exactly that many bytes of a pipe, and `read` byte by byte, so that nothing of the next request is swallowed.
 * Without an input nothing else than the program is started.
 */
const ON_REQUEST = `${BECOME}
while IFS= read -r bytes; do
  if [ "$bytes" = 0 ]; then (become "$@") </dev/null 2>&1
  else head -c "$bytes" | { become "$@"; } 2>&1; fi
  printf '\\0%s\\n' "$?"
done`;

/** The same, but that the next program is started, and its pid told, before there is a request. Ends when its owner does. */
const AHEAD = `${BECOME}
feed() { IFS= read -r bytes || kill "$$"; exec head -c "$bytes"; }
while :; do
  feed | { become "$@"; } 2>&1
  printf '\\0%s\\n' "$?"
done`;

/** Programs that are run here print no NUL. */
const END = /^\0(\d+)\n/;

/** One request on its way. */
interface Request {
  readonly done: (result: ExecResult) => void;
  readonly fail: (error: SluiceError) => void;
}

/** A program that is run again and again. Calls must not overlap: the owner serialises. */
export interface Coprocess {
  /**
   * Runs the program once. Both its streams come back as `stderr`.
   * @throws SluiceError `failed` past `timeoutMs`, or if the shell ended: then it is not known what the program did
   */
  readonly run: (input: string, timeoutMs: number) => Promise<ExecResult>;
  /** Lets a running call end, and the shell with it. */
  readonly close: () => void;
}

/** How the program is run. */
export interface CoprocessOptions {
  /** Told the pid of every run, before `run` resolves. */
  readonly onPid?: ((pid: number) => void) | undefined;
  /** Starts the program before its input is there: for one that does nothing before it has read it to its end. Default: false */
  readonly isAhead?: boolean;
  /** What the program says when all is done, though it may take long to end: the exit code is taken for 0 then, and not waited for. */
  readonly doneAt?: string;
}

/** Starts the shell with the first run, and again if it has ended. */
export function createCoprocess(
  argv: readonly [program: string, ...args: string[]],
  { onPid, isAhead = false, doneAt }: CoprocessOptions = {},
): Coprocess {
  let shell: ChildProcessWithoutNullStreams | undefined;
  let request: Request | undefined;
  let answer = Buffer.alloc(0);
  /** The program of the last request has said that it is done, and has not ended yet. */
  let isEnding = false;

  const fail = (why: string): void => {
    const failed = request;
    request = undefined;
    failed?.fail(
      new SluiceError('failed', `${argv[0]} did not answer`, { why, details: { program: argv[0] } }),
    );
  };

  const finish = (output: string, exitCode: number): void => {
    const [pid = ''] = output.split('\n', 1);
    if (/^\d+$/.test(pid)) onPid?.(Number(pid));
    const finished = request;
    request = undefined;
    finished?.done({ exitCode, stdout: '', stderr: output.slice(pid.length + 1) });
  };

  /** Takes the next that the answer tells. @returns false if there is nothing more in it */
  const takeNext = (): boolean => {
    const from = answer.indexOf(0);
    const end = from < 0 ? null : END.exec(answer.toString('latin1', from));
    if (end === null) {
      if (isEnding || request === undefined || doneAt === undefined || !answer.includes(doneAt)) return false;
      isEnding = true;
      finish(answer.toString('utf8'), 0);
      return false;
    }
    const output = answer.toString('utf8', 0, from);
    const exitCode = Number(end[1]);
    // What comes after it is of the program that waits for the next request.
    answer = answer.subarray(from + end[0].length);
    const wasDone = isEnding;
    isEnding = false;
    if (!wasDone) finish(output, exitCode);
    // What it has left of its input would be taken for a request.
    if (isAhead && exitCode !== 0) kill('the program before it failed');
    return shell !== undefined;
  };

  const start = (): ChildProcessWithoutNullStreams => {
    // A session of its own: it is killed as a group, and Ctrl-C on the owner's terminal does not cut a transaction.
    const started = spawn('sh', ['-c', isAhead ? AHEAD : ON_REQUEST, 'sluice-coprocess', ...argv], {
      stdio: 'pipe',
      detached: true,
      env: { ...process.env, LC_ALL: 'C' },
    });
    [answer, isEnding] = [Buffer.alloc(0), false];
    const onEnd = (why: string): void => {
      if (shell !== started) return;
      shell = undefined;
      fail(why);
    };
    started.once('error', (error) => onEnd(error.message));
    started.once('close', (code, signal) => onEnd(`its shell ended (${signal ?? code})`));
    started.stdout.on('data', (chunk: Buffer) => {
      if (shell !== started) return;
      answer = Buffer.concat([answer, chunk]);
      while (takeNext());
    });
    started.stdin.on('error', () => undefined); // it has ended: its close tells
    started.unref();
    return started;
  };

  /** Kills the shell with what it runs; the next run starts another. */
  const kill = (why: string): void => {
    const stuck = shell;
    shell = undefined;
    if (stuck?.pid !== undefined) process.kill(-stuck.pid, 'SIGKILL');
    fail(why);
  };

  return {
    run: (input, timeoutMs) =>
      new Promise((resolve, reject) => {
        if (request !== undefined) {
          return reject(new SluiceError('internal', `${argv[0]} is asked twice at the same time`));
        }
        shell ??= start();
        const timer = setTimeout(() => kill(`ran longer than ${timeoutMs} ms`), timeoutMs);
        request = {
          done: (result) => {
            clearTimeout(timer);
            resolve(result);
          },
          fail: (error) => {
            clearTimeout(timer);
            reject(error);
          },
        };
        shell.stdin.write(`${Buffer.byteLength(input, 'utf8')}\n${input}`);
      }),
    close: () => shell?.stdin.end(),
  };
}
