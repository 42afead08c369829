/**
 * Owns the long-lived `nft -i`: it saves the start of a program for every change (5-12 ms, more from a large process). Up to 4,000
 * characters reach its pipe whole or not at all, so that an agent that is killed while it writes leaves no half of a transaction behind (nft
 * would run it). Longer texts are in a file that is whole before the pipe names it; very long ones do not go to it. Whatever goes wrong, the caller sees an error, reads the kernel back and goes on; the next change gets a new helper or, if
 * those do not live, none.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SluiceError } from '../../errors.ts';
import type { OpenPipe, Pipe } from '../../host/pipe.ts';

/** Longest text for the pipe, in characters; Linux writes up to 4,096 bytes in one piece. */
const PIPE_TEXT = 4_000;
/** Longest text in a file: a change of some 300 services. More would make the helper large for good. */
const FILE_TEXT = 256 * 1024;
/** A folder that can be named in nft's words. */
const PLAIN_PATH = /^\/[\w./-]+$/;
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

/** Puts a text into a file of its own, readable by us alone, and gives nft's word for it to `act`; leaves nothing behind. */
async function withFile(text: string, act: (include: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-nft-'));
  try {
    const file = path.join(folder, 'change');
    await writeFile(file, text, { mode: 0o600 });
    await act(`include "${file}"`);
  } finally {
    await rm(folder, { recursive: true, force: true });
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
  let canFile = PLAIN_PATH.test(tmpdir());

  const drop = (): void => {
    running?.pipe.kill();
    running = undefined;
  };

  /** One line is one transaction. */
  const runLine = async (line: string): Promise<void> => {
    if (running?.hasEnded === true || (running?.runs ?? 0) >= LIFE) drop();
    running ??= startHelper(openPipe);
    const current = running;
    count += 1;
    const mark = `sluice_end_${count}`;
    current.said = '';
    // The mark is no command: what nft says to it comes after everything it says to the line before.
    current.pipe.write(`${line}\n${mark}\n`);
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

  const runFile = async (text: string): Promise<void> => {
    try {
      await withFile(text, runLine);
    } catch (error) {
      if (error instanceof SluiceError) throw error;
      // No place for files: from now on long texts go another way.
      canFile = false;
      throw new SluiceError('failed', 'a change for nft cannot be written', {
        why: String(error),
        cause: error,
      });
    }
  };

  return {
    takes: ({ length }) => stillborn < MAX_STILLBORN && length <= (canFile ? FILE_TEXT : PIPE_TEXT),
    run: async (text) =>
      text.length > PIPE_TEXT ? runFile(text) : runLine(text.trimEnd().replaceAll('\n', '; ')),
    pid: () => running?.pipe.pid,
    close: drop,
  };
}
