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
  /** The connection is up and our side of it has been ended; `answer` may be called later. @returns called once when all has ended */
  readonly silent?: (answer: (result: ProbeAnswer) => void) => () => void;
  /** Something was heard, one byte a character. */
  readonly heard: (text: string) => ProbeAnswer | undefined;
  /** The other side has ended it (an errno: it reset it). */
  readonly ended: (errno?: string) => ProbeAnswer;
  /** What to add to the reason when it took too long. */
  readonly late?: () => string;
  /** After a good answer the other side is let end the connection, within the time that is left: whoever ends first keeps a port in TIME_WAIT. */
  readonly letEnd?: boolean;
}

/** For all conversations: what arrives is looked at before anything else can be. */
const buffer = Buffer.allocUnsafeSlow(16 * 1024);

/** Talks once; never rejects. */
export function converse(talk: Talk, { ip, port }: Address, bounds: Bounds): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const time = bound(bounds);
    let isDone = false;
    let stop: (() => void) | undefined;
    const leave = (): void => {
      time.close();
      // Never a reset: a program that has accepted late and writes to one that was reset dies of SIGPIPE, unless it knows better.
      socket.destroy();
    };
    const answer = (result: ProbeAnswer | undefined): void => {
      if (result === undefined || isDone) return;
      isDone = true;
      stop?.();
      resolve(result);
      if (talk.letEnd !== true || !result.well) leave();
    };
    const last = (result: ProbeAnswer): void => {
      answer(result);
      leave();
    };
    const callback = (bytes: number): boolean => {
      if (!isDone) answer(talk.heard(buffer.toString('latin1', 0, bytes)));
      return true;
    };
    const socket = connect({ host: ip, port, allowHalfOpen: true, onread: { buffer, callback } });
    time.onEnd((why) => last(unwell(`${why}${talk.late?.() ?? ''}`)));
    socket.on('error', (error) => {
      last(errnoOf(error) === 'ECONNRESET' ? talk.ended('ECONNRESET') : unwell(error.message));
    });
    socket.once('end', () => last(talk.ended()));
    // What is written before there is a connection costs listeners of its own.
    socket.once('connect', () => {
      if (talk.say !== undefined) socket.write(talk.say);
      if (talk.silent === undefined) return;
      socket.end();
      stop = talk.silent(answer);
    });
  });
}
