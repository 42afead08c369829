/**
 * Owns one short conversation with an instance over a TCP connection of its own: what is said, what is heard, its end at the first of answer,
 * deadline and abort. All of a node's read into one buffer, so that nothing is kept of what was heard but what its listener keeps.
 */
import { connect } from 'node:net';
import { errnoOf } from '../../host/error-code.ts';
import type { Address } from '../../model/address.ts';
import { type ProbeAnswer, unwell } from './answer.ts';
import { bound } from './bounded.ts';

/** Bounds of one question. */
export interface Bounds {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What one side of the conversation says, and what it makes of the other. `undefined` from a function: it goes on. */
export interface Talk {
  readonly say?: string | undefined;
  /** The connection is up; `answer` may be called later. @returns called once when the conversation has ended */
  readonly connected?: (answer: (result: ProbeAnswer) => void) => () => void;
  /** Something was heard, one byte a character. */
  readonly heard: (text: string) => ProbeAnswer | undefined;
  /** The other side has ended it (an errno: it reset it). */
  readonly ended: (errno?: string) => ProbeAnswer;
  /** What to add to the reason when it took too long. */
  readonly late?: () => string;
}

/** For all conversations: what arrives is looked at before anything else can be. */
const buffer = Buffer.allocUnsafeSlow(16 * 1024);

/** Talks once; never rejects. */
export function converse(talk: Talk, { ip, port }: Address, bounds: Bounds): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const time = bound(bounds);
    let isDone = false;
    let stop: (() => void) | undefined;
    const answer = (result: ProbeAnswer | undefined): void => {
      if (result === undefined || isDone) return;
      isDone = true;
      time.close();
      stop?.();
      // A reset leaves no TIME_WAIT: thousands of them would hold ports that instances may be given.
      socket.resetAndDestroy();
      resolve(result);
    };
    const callback = (bytes: number): boolean => {
      if (!isDone) answer(talk.heard(buffer.toString('latin1', 0, bytes)));
      return true;
    };
    const socket = connect({ host: ip, port, onread: { buffer, callback } });
    time.onEnd((why) => answer(unwell(`${why}${talk.late?.() ?? ''}`)));
    socket.on('error', (error) => {
      answer(errnoOf(error) === 'ECONNRESET' ? talk.ended('ECONNRESET') : unwell(error.message));
    });
    socket.once('end', () => answer(talk.ended()));
    socket.once('connect', () => {
      stop = talk.connected?.(answer);
    });
    if (talk.say !== undefined) socket.write(talk.say);
  });
}
