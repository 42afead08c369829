/**
 * Owns what one node knows of another that it asks for signs of life, question by question: when it says that there are none, and when it asks
 * next. Pure: time is an argument.
 */

/** What is known of a node that is asked. */
export interface Asked {
  /** It answered here before: only then does silence say anything (a firewall may drop every question). */
  readonly hasAnswered: boolean;
  /** Questions since the last answer. */
  readonly unanswered: number;
  /** When the first of them was sent; undefined: there is none. */
  readonly sinceMs: number | undefined;
  /** The last question did not even leave this machine: nothing can be said. */
  readonly isBlind: boolean;
}

/** What became of a question: an answer of any kind, none in time, or it could not be sent. */
export type Answer = 'answered' | 'silent' | 'unsent';

/** Without an answer for so long a node is out of reach here. */
const UNANSWERED_MS = 1_500;
/**
 * So many questions at least, so that a process that was late counts none of its own pauses. Usually it is fifteen: with every fifth packet lost each
 * way, none of fifteen is answered once in five million times (0.36^15).
 */
const QUESTIONS = 10;
/** Between questions to one that answers: six a second for three nodes cost 0.6 % of a core on a busy machine, and a longer beat is so much later. */
const BEAT_MS = 500;
/** Between questions from the moment that an answer is late until it counts as out of reach. */
const HURRY_MS = 100;
/** One that has been silent for so long is asked seldom: it may be gone for good. */
const LONG_MS = 60_000;
const SELDOM_MS = 5_000;

/** Of a node that was never asked. */
export const NEVER_ASKED: Asked = { hasAnswered: false, unanswered: 0, sinceMs: undefined, isBlind: false };

/** After a question was sent. */
export const afterQuestion = (asked: Asked, nowMs: number): Asked => ({
  ...asked,
  unanswered: asked.unanswered + 1,
  sinceMs: asked.sinceMs ?? nowMs,
});

/** After what became of a question is known. Answers count however late they are. */
export function afterAnswer(asked: Asked, answer: Answer): Asked {
  if (answer === 'answered') return { ...NEVER_ASKED, hasAnswered: true };
  if (answer === 'unsent') return { ...asked, unanswered: 0, sinceMs: undefined, isBlind: true };
  return asked;
}

/** True while the node answers, false if it is out of reach; undefined if nothing can be said of it. */
export function reachesNow(
  { hasAnswered, unanswered, sinceMs, isBlind }: Asked,
  nowMs: number,
): boolean | undefined {
  if (!hasAnswered || isBlind) return undefined;
  return !(unanswered >= QUESTIONS && sinceMs !== undefined && nowMs - sinceMs >= UNANSWERED_MS);
}

/** From the moment that a question was sent to the next one. */
export function pauseAfter({ unanswered, sinceMs }: Asked, nowMs: number): number {
  if (unanswered === 0 || sinceMs === undefined) return BEAT_MS;
  const silentMs = nowMs - sinceMs;
  if (silentMs >= LONG_MS) return SELDOM_MS;
  return silentMs < UNANSWERED_MS + HURRY_MS || unanswered < QUESTIONS ? HURRY_MS : BEAT_MS;
}
