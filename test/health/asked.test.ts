import { describe, expect, it } from 'vitest';
import {
  afterAnswer,
  afterQuestion,
  type Asked,
  NEVER_ASKED,
  pauseAfter,
  reachesNow,
} from '../../src/health/asked.ts';
import { seededRandom } from '../sim/random.ts';

const ANSWERED = afterAnswer(afterQuestion(NEVER_ASKED, 0), 'answered');

/** Asks as the agent does from a moment on; `isAnswered` for each question. @returns when it said first that there is no answer */
function firstNo(isAnswered: () => boolean, forMs: number): number | undefined {
  let asked: Asked = ANSWERED;
  for (let nowMs = 0; nowMs < forMs; nowMs += pauseAfter(asked, nowMs)) {
    asked = afterQuestion(asked, nowMs);
    if (isAnswered()) asked = afterAnswer(asked, 'answered');
    if (reachesNow(asked, nowMs) === false) return nowMs;
  }
  return undefined;
}

describe('a node that is asked for signs of life', () => {
  it('is out of reach after a second and a half without an answer, asked in a hurry', () => {
    expect(firstNo(() => false, 60_000)).toBe(1_500);
  });

  it('is not for every fifth packet that is lost each way, in ten hours', () => {
    const random = seededRandom(5);
    const isThere = (): boolean => random() >= 0.2 && random() >= 0.2;
    expect(firstNo(isThere, 36_000_000)).toBeUndefined();
  });

  it('is not when it never answered: a firewall may drop every question', () => {
    let asked = NEVER_ASKED;
    for (let nowMs = 0; nowMs < 20_000; nowMs += 100) asked = afterQuestion(asked, nowMs);
    expect(reachesNow(asked, 20_000)).toBeUndefined();
  });

  it('is not after a pause of whoever asks, in which nothing was asked', () => {
    const asked = afterQuestion(ANSWERED, 0);
    expect(reachesNow(asked, 60_000)).toBe(true);
  });

  it('is nothing that can be said while questions do not leave this machine', () => {
    const blind = afterAnswer(afterQuestion(ANSWERED, 0), 'unsent');
    expect(reachesNow(blind, 10_000)).toBeUndefined();
    expect(reachesNow(afterQuestion(blind, 500), 10_000)).toBeUndefined();
    expect(reachesNow(afterAnswer(blind, 'answered'), 10_000)).toBe(true);
  });

  it('is back at the first answer, and asked seldom when it has been away for long', () => {
    let asked = ANSWERED;
    const pauses = new Set<number>();
    for (let nowMs = 0; nowMs < 70_000; nowMs += pauseAfter(asked, nowMs)) {
      asked = afterQuestion(asked, nowMs);
      pauses.add(pauseAfter(asked, nowMs));
    }
    expect([...pauses]).toEqual([100, 500, 5_000]);
    expect(reachesNow(asked, 70_000)).toBe(false);
    expect(reachesNow(afterAnswer(asked, 'answered'), 70_000)).toBe(true);
  });
});
