/**
 * Owns the long-lived `nft -i`: it saves the start of a program for every change (5-12 ms). Only short texts go to it: up to 4,000
 * characters reach the pipe whole or not at all, so that an agent that is killed while it writes leaves no half of a transaction behind (nft
 * would run it). Whatever goes wrong, the caller sees an error, reads the kernel back and goes on; the next change gets a new helper or, if
 * those do not live, none.
 */
import { SluiceError } from '../../errors.ts';
import type { OpenPipe, Pipe } from '../../host/pipe.ts';

/** Longest text for the helper, in characters; Linux writes up to 4,096 bytes in one piece. */
const HELPER_TEXT = 4_000;
/** Far above what a change took at 10,000 services (90 ms). */
const TIMEOUT_MS = 30_000;
/** A helper is replaced after so many transactions, so that nothing that it may keep grows for ever. */
const LIFE = 1_000;
/** After so many helpers that ended before their first answer, none is started any more. */
const MAX_STILLBORN = 3;

/** Runs transactions through helpers. */
export interface NftHelper {
  /** False if texts must go another way: too long, or helpers do not work here. */
  readonly takes: (text: string) => boolean;
  /**
   * Runs one transaction.
   * @throws SluiceError `failed` with what nft said, or if the helper ended or did not answer: then it is not known what the kernel holds
   */
  readonly run: (text: string) => Promise<void>;
  /** Process id of the helper that runs now. */
  readonly pid: () => number | undefined;
  readonly close: () => void;
}

interface Running {
  readonly pipe: Pipe;
  runs: number;
  said: string;
  hasEnded: boolean;
  /** Called when something was said or the helper ended. */
  wake: () => void;
}

function startHelper(openPipe: OpenPipe): Running {
  // Without a home it can neither read nor leave a history of commands.
  const pipe = openPipe('nft', ['-n', '-i'], { HOME: '/dev/null', TERM: 'dumb' });
  const running: Running = { pipe, runs: 0, said: '', hasEnded: false, wake: () => {} };
  pipe.onStderr((text) => {
    running.said += text;
    running.wake();
  });
  pipe.onEnd(() => {
    running.hasEnded = true;
    running.wake();
  });
  return running;
}

/** What nft said before the answer to the end mark; undefined if that is not there yet. */
function answerBefore(said: string, mark: string): string | undefined {
  const at = said.indexOf(`\n${mark}\n`);
  if (at < 0) return undefined;
  return said.slice(0, Math.max(said.lastIndexOf('Error:', at), 0));
}

/** Waits for the answer, the end of the helper, or the deadline. */
async function answerOf(running: Running, mark: string): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve) => {
      const look = (): void => {
        const answer = answerBefore(running.said, mark);
        if (answer !== undefined || running.hasEnded) resolve(answer);
      };
      running.wake = look;
      timer = setTimeout(() => resolve(undefined), TIMEOUT_MS);
      look();
    });
  } finally {
    clearTimeout(timer);
    running.wake = () => {};
  }
}

/**
 * Makes a helper; it is started with the first transaction.
 * @param openPipe starts programs in the namespace to program
 */
export function createHelper(openPipe: OpenPipe): NftHelper {
  let running: Running | undefined;
  let stillborn = 0;
  let count = 0;

  const drop = (): void => {
    running?.pipe.kill();
    running = undefined;
  };

  const run = async (text: string): Promise<void> => {
    if (running?.hasEnded === true || (running?.runs ?? 0) >= LIFE) drop();
    running ??= startHelper(openPipe);
    const current = running;
    count += 1;
    const mark = `sluice_end_${count}`;
    current.said = '';
    // One line is one transaction. The mark is no command: what nft says to it comes after everything it says to the line before.
    current.pipe.write(`${text.trimEnd().replaceAll('\n', '; ')}\n${mark}\n`);
    const answer = await answerOf(current, mark);
    current.runs += 1;
    if (answer === undefined) {
      stillborn = current.runs === 1 ? stillborn + 1 : 0;
      drop();
      throw new SluiceError('failed', 'nft did not answer', { why: 'the long-lived nft ended or hangs' });
    }
    stillborn = 0;
    if (answer.includes('Error:')) {
      const why = answer.trim().split('\n').slice(0, 5).join('; ');
      throw new SluiceError('failed', 'nft failed', { why, details: { program: 'nft' } });
    }
  };

  return {
    takes: (text) => text.length <= HELPER_TEXT && stillborn < MAX_STILLBORN,
    run,
    pid: () => running?.pipe.pid,
    close: drop,
  };
}
