/** Owns how an instance that ended is started again: pauses that grow, and the word for one that ends again and again. Pure. */
import type { Life, Moment } from './life.ts';

/** First and longest pause before a restart, doubled in between; jitter of a quarter either way (notes: Nomad's delays). */
const FIRST_PAUSE_MS = 1_000;
const LAST_PAUSE_MS = 30_000;
const JITTER = 0.25;
/** After so long ready the next pause is the first again. */
export const FORGOTTEN_AFTER_MS = 60_000;
/** So many ends within this time are a crash loop. */
export const LOOP_ENDS = 5;
export const LOOP_WINDOW_MS = 600_000;
/** One in a crash loop that nobody took away is tried again: what it lacked may be back. */
export const LOOP_PAUSE_MS = 300_000;

/** The life of one that ended without an order: it waits for its restart. */
export function afterEnd(life: Life, why: string, { now, random }: Moment): Life {
  const { phase } = life;
  const forgotten = phase.kind === 'ready' && now - phase.since >= FORGOTTEN_AFTER_MS;
  const before = forgotten ? 0 : life.pauseMs;
  const pauseMs = before === 0 ? FIRST_PAUSE_MS : Math.min(before * 2, LAST_PAUSE_MS);
  const ends = [...life.ends.filter((end) => now - end < LOOP_WINDOW_MS), now].slice(-LOOP_ENDS);
  const loop = ends.length >= LOOP_ENDS;
  const jittered = (loop ? LOOP_PAUSE_MS : pauseMs) * (1 - JITTER + 2 * JITTER * random);
  return { ...life, phase: { kind: 'failed', until: now + jittered, loop }, why, ends, pauseMs };
}
