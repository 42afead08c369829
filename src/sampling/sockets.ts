/**
 * Owns asking for counts of sockets: the program that counts them is kept running, since starting one every two seconds costs more than what it
 * counts. Whatever goes wrong, that sample has no connections, and the next one tries a fresh program, ever more seldom.
 */
import type { Clock } from '../host/clock.ts';
import type { OpenPipe, Pipe } from '../host/pipe.ts';
import { parseSockets, type Sockets } from './parse/sockets.ts';
import { SOCKETS_PROGRAM } from './sockets-program.ts';

/** Lowest and highest port that matter. */
export interface PortRange {
  readonly lowest: number;
  readonly highest: number;
}

/** What came of asking. */
export type SocketAnswer =
  | { readonly sockets: Sockets; readonly why?: undefined }
  | { readonly sockets?: undefined; readonly why: string };

/** Counts sockets in the network namespace of its program. */
export interface SocketCounter {
  /** One question at a time. Never throws. */
  readonly count: (ports: PortRange) => Promise<SocketAnswer>;
  readonly close: () => void;
}

const ANSWER_MS = 1_500;
const RETRY_FIRST_MS = 1_000;
const RETRY_LAST_MS = 60_000;

interface Program {
  readonly pipe: Pipe;
  said: string;
  hasEnded: boolean;
  wake: () => void;
}

function start(openPipe: OpenPipe): Program {
  const program: Program = {
    pipe: openPipe('perl', ['-e', SOCKETS_PROGRAM]),
    said: '',
    hasEnded: false,
    wake: () => {},
  };
  program.pipe.onStderr((text) => {
    program.said += text;
    program.wake();
  });
  program.pipe.onEnd(() => {
    program.hasEnded = true;
    program.wake();
  });
  return program;
}

const isWhole = (said: string): boolean => /(?:^|\n)(?:end|failed[^\n]*)\n$/.test(said.slice(-200));

/** Waits for an answer, the program's end, or the deadline. */
async function answerOf(program: Program, clock: Clock): Promise<boolean> {
  const done = new AbortController();
  program.wake = () => {
    if (program.hasEnded || isWhole(program.said)) done.abort();
  };
  program.wake();
  await clock.sleep(ANSWER_MS, done.signal);
  program.wake = () => {};
  return isWhole(program.said);
}

/** @param openPipe starts programs in the namespace whose sockets are counted */
export function createSocketCounter(openPipe: OpenPipe, clock: Clock): SocketCounter {
  let program: Program | undefined;
  let retryMs = RETRY_FIRST_MS;
  let notBeforeMs = Number.NEGATIVE_INFINITY;
  let lastWhy = 'not asked yet';

  const fail = (why: string): SocketAnswer => {
    program?.pipe.kill();
    program = undefined;
    notBeforeMs = clock.monotonicMs() + retryMs;
    retryMs = Math.min(retryMs * 2, RETRY_LAST_MS);
    lastWhy = why;
    return { why };
  };

  return {
    count: async ({ lowest, highest }) => {
      if (program === undefined && clock.monotonicMs() < notBeforeMs) return { why: lastWhy };
      program ??= start(openPipe);
      const current = program;
      current.said = '';
      current.pipe.write(`${lowest} ${highest}\n`);
      const isAnswered = await answerOf(current, clock);
      const sockets = isAnswered ? parseSockets(current.said) : undefined;
      if (sockets === undefined) {
        const said = current.said.trim().split('\n').at(-1)?.slice(0, 200);
        return fail(said || (current.hasEnded ? 'perl cannot be run' : 'no answer'));
      }
      retryMs = RETRY_FIRST_MS;
      return { sockets };
    },
    close: () => {
      program?.pipe.kill();
      program = undefined;
    },
  };
}
