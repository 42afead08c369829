/** Owns running the command line in process: fake terminals and pipes, a store in memory, a person who types. */
import { Readable, Writable } from 'node:stream';
import { vi } from 'vitest';
import { SluiceError } from '../../src/errors.ts';
import { runCli } from '../../src/cli/cli.ts';
import type { CliDeps } from '../../src/cli/deps.ts';
import type { Environment, InputStream, OutputStream } from '../../src/cli/io.ts';
import { createMemoryStore, type MemoryStore } from '../../src/store/memory/memory.ts';
import type { ServableStore } from '../../src/store/lease-calls.ts';
import { steppingClock } from '../ops/world.ts';

// Bodies are imported when they run, which takes seconds on a loaded machine.
vi.setConfig({ testTimeout: 30_000 });

/** What a test sets up; nothing is needed. */
export interface RunOptions {
  /** Both output streams and stdin are terminals; else pipes. */
  readonly terminal?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly env?: Environment | undefined;
  /** Text on stdin; on a terminal what a person types. */
  readonly stdin?: string | undefined;
  readonly store?: ServableStore | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with all of stderr after each write. */
  readonly onStderr?: ((text: string) => void) | undefined;
  readonly onStdout?: ((text: string) => void) | undefined;
  readonly deps?: Partial<CliDeps> | undefined;
}

/** What a run did. */
export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** An output stream that keeps what is written. */
class Sink extends Writable {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number | undefined;
  readonly #onWrite: ((text: string) => void) | undefined;

  constructor(terminal: boolean, columns: number | undefined, onWrite: ((text: string) => void) | undefined) {
    super({ decodeStrings: false });
    this.isTTY = terminal;
    this.columns = columns;
    this.#onWrite = onWrite;
  }

  override _write(chunk: string | Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    this.#onWrite?.(this.text);
    done();
  }

  /** Like the streams of a process: a pipe into it must not end it (inquirer ends what it writes to). */
  override end(): this {
    return this;
  }

  // What ora and inquirer call on a terminal.
  clearLine(): boolean {
    return true;
  }
  cursorTo(): boolean {
    return true;
  }
  moveCursor(): boolean {
    return true;
  }
  getColorDepth(): number {
    return 4;
  }
}

/** stdin: a pipe that ends, or a terminal on which the text is typed once something is asked. */
function stdinOf(options: RunOptions): InputStream & { readonly type: () => void } {
  const text = options.stdin ?? '';
  if (options.terminal !== true)
    return Object.assign(Readable.from(text === '' ? [] : [text]), { type: () => {} });
  const stream = new Readable({ read: () => {} });
  let left = text;
  return Object.assign(stream, {
    isTTY: true,
    setRawMode: () => stream,
    type: () => {
      const [line = '', ...rest] = left.split(/(?<=\n)/);
      left = rest.join('');
      for (const key of line) stream.push(key);
    },
  });
}

const QUESTION = /\(y\/N\)|to go on:/;

/** Runs one command line against a store in memory. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const terminal = options.terminal ?? false;
  const stdin = stdinOf(options);
  let asked = 0;
  const stdout = new Sink(terminal, options.columns ?? (terminal ? 120 : undefined), options.onStdout);
  const stderr = new Sink(terminal, options.columns ?? (terminal ? 200 : undefined), (text) => {
    options.onStderr?.(text);
    if (asked === 0 && QUESTION.test(text)) {
      asked += 1;
      setImmediate(() => stdin.type());
    }
  });
  const store = options.store ?? createMemoryStore();
  let id = 0;
  const deps: CliDeps = {
    io: {
      stdin,
      stdout: stdout as OutputStream,
      stderr: stderr as OutputStream,
      env: options.env ?? { TERM: 'xterm' },
    },
    clock: steppingClock(),
    signal: options.signal ?? new AbortController().signal,
    // The command closes its store; the test's own goes on.
    openStore: async () => ({ ...store, close: async () => {} }),
    newId: () => `request-${(id += 1)}`,
    newSecret: () => 's'.repeat(43),
    random: () => 0,
    actor: 'ann',
    host: 'ann-pc',
    configPaths: { system: '/nonexistent/sluice.yaml', user: undefined },
    onResync: () => () => {},
    writeBugLog: async () => '/tmp/bug.log',
    uid: 0,
    pid: 4711,
    exec: async (file) => {
      throw new SluiceError('config', `cannot run ${file}: it is not installed`);
    },
    programs: { sluice: [], instance: [], load: [] },
    ...options.deps,
  };
  const code = await runCli(argv, deps);
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** A store in memory and runs against it; words of the command are separated by spaces. */
export function cluster(): {
  readonly store: MemoryStore;
  readonly sluice: (words: string, options?: RunOptions) => Promise<RunResult>;
} {
  const store = createMemoryStore();
  return {
    store,
    sluice: async (words, options = {}) =>
      run(
        words.split(' ').filter((word) => word !== ''),
        { store, ...options },
      ),
  };
}
