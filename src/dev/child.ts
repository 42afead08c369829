/** Owns long-running children of `sluice dev` and of the test labs: output tail, readiness, end. Not the instance drivers of agents. */
import { spawn, type ChildProcess } from 'node:child_process';
import { SluiceError } from '../errors.ts';
import { netnsOf, type Netns } from '../host/netns.ts';
import { waitUntil } from '../host/wait.ts';

const TAIL_CHARS = 256 * 1024;

/** How a child ended: one of the two is not null. */
export interface ChildExit {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running child. */
export interface Child {
  readonly pid: number;
  /** The last 256 Ki characters. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly exited: Promise<ChildExit>;
  readonly running: () => boolean;
  /** Sends a signal; default SIGKILL. Nothing happens if it has ended. */
  readonly signal: (signal?: NodeJS.Signals) => void;
  /** Sends a signal (default SIGKILL) and waits for the end; SIGKILL after `graceMs` (default 5,000). */
  readonly stop: (signal?: NodeJS.Signals, graceMs?: number) => Promise<ChildExit>;
  /** Waits until stdout matches; fails at once if the child ends before. */
  readonly waitForOutput: (pattern: RegExp, timeoutMs?: number) => Promise<RegExpExecArray>;
}

/** What to start and where. */
export interface ChildOptions {
  readonly argv: readonly string[];
  /** Network namespace to start in; default: this process's own. */
  readonly ns?: Netns | undefined;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly cwd?: string | undefined;
  /** Written to its stdin, which is then closed. */
  readonly input?: string | undefined;
}

/**
 * Starts a child that dies with this process.
 * @throws SluiceError `config` if it cannot be started
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  const alone = ['setpriv', '--pdeathsig', 'KILL', '--', ...options.argv];
  const [file = '', ...args] = options.ns === undefined ? alone : options.ns.enter(options.argv);
  const child = spawn(file, args, {
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  let ended: ChildExit | undefined;
  const exited = new Promise<ChildExit>((resolve) => {
    child.once('close', (exitCode, signal) => {
      ended = { exitCode, signal };
      resolve(ended);
    });
  });
  const stdout = tail(child.stdout);
  const stderr = tail(child.stderr);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => {
      reject(new SluiceError('config', `cannot start ${file}`, { why: cause.message, cause }));
    });
  });
  if (options.ns !== undefined) await hasEntered(child, options.ns);
  child.stdin?.on('error', () => undefined); // it ended without reading its input: its exit code tells
  child.stdin?.end(options.input);
  const signal = (name: NodeJS.Signals = 'SIGKILL'): void => void child.kill(name);
  const running = (): boolean => ended === undefined;
  const facts = (): string => `${options.argv.join(' ')}: ${stdout()}${stderr()}`.slice(-2000);
  return {
    pid: child.pid ?? 0,
    stdout,
    stderr,
    exited,
    running,
    signal,
    stop: async (name = 'SIGKILL', graceMs = 5000) => {
      signal(name);
      const timer = setTimeout(signal, graceMs, 'SIGKILL');
      const exit = await exited;
      clearTimeout(timer);
      return exit;
    },
    waitForOutput: async (pattern, timeoutMs = 30_000) => {
      return await waitUntil(
        () => {
          const match = pattern.exec(stdout());
          if (match === null && !running()) {
            throw new SluiceError('failed', `the child ended before it printed ${pattern}`, { why: facts() });
          }
          return match ?? undefined;
        },
        { what: `${pattern} in the output of a child`, timeoutMs, facts },
      );
    },
  };
}

/** Waits until a child is in its namespace, or has ended: from then on whatever ends the namespace ends it too. */
async function hasEntered(child: ChildProcess, ns: Netns): Promise<void> {
  await waitUntil(
    () => child.exitCode !== null || child.signalCode !== null || netnsOf(child.pid) === ns.inode,
    {
      what: 'a child to enter its network namespace',
      timeoutMs: 10_000,
      everyMs: 1,
    },
  );
}

/** Keeps the last characters of a stream. */
function tail(stream: NodeJS.ReadableStream | null): () => string {
  let text = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (chunk: string) => (text = (text + chunk).slice(-TAIL_CHARS)));
  return () => text;
}
