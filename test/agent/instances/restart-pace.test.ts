import { describe, expect, it } from 'vitest';
import type { Life } from '../../../src/agent/instances/life.ts';
import {
  afterEnd,
  FORGOTTEN_AFTER_MS,
  LOOP_ENDS,
  LOOP_PAUSE_MS,
  LOOP_WINDOW_MS,
} from '../../../src/agent/instances/restart-pace.ts';
import { lifeIn } from './lives.ts';

const untilOf = ({ phase }: Life): number => (phase.kind === 'failed' ? phase.until : Number.NaN);

/** Pauses of ends that follow each other, `gapMs` apart. */
function pauses(count: number, gapMs: number, random = 0.5): readonly number[] {
  let life = lifeIn({ kind: 'starting', until: 0, well: 0 });
  return Array.from({ length: count }, (_, index) => {
    const now = index * gapMs;
    life = afterEnd(life, 'exit code 1', { now, random });
    return untilOf(life) - now;
  });
}

const ready = (forMs: number): Life =>
  lifeIn({ kind: 'ready', since: 100_000 - forMs, unwell: 0 }, { pauseMs: 8_000 });
const pause = (life: Life): number => untilOf(afterEnd(life, 'x', { now: 100_000, random: 0.5 })) - 100_000;

/** The life after so many ends, `gapMs` apart. */
function after(count: number, gapMs: number): Life {
  let life = lifeIn({ kind: 'starting', until: 0, well: 0 });
  for (let end = 0; end < count; end += 1) {
    life = afterEnd(life, 'exit code 1', { now: end * gapMs, random: 0.5 });
  }
  return life;
}

describe('the pause before a restart', () => {
  it('is a second, and doubles up to thirty', () => {
    const gapMs = LOOP_WINDOW_MS;
    expect(pauses(7, gapMs)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  it('is moved by a quarter either way', () => {
    expect(pauses(1, 0, 0)).toEqual([750]);
    expect(pauses(1, 0, 0.999_999)[0]).toBeCloseTo(1_250, 0);
  });

  it('is the first again after a minute of being ready, and not before', () => {
    expect(pause(ready(FORGOTTEN_AFTER_MS))).toBe(1_000);
    expect(pause(ready(FORGOTTEN_AFTER_MS - 1))).toBe(16_000);
  });
});

describe('a crash loop', () => {
  it('is five ends within ten minutes', () => {
    expect(after(LOOP_ENDS - 1, 1_000).phase).toMatchObject({ loop: false });
    expect(after(LOOP_ENDS, 1_000).phase).toMatchObject({ loop: true });
    expect(after(20, LOOP_WINDOW_MS / (LOOP_ENDS - 1)).phase).toMatchObject({ loop: false });
  });

  it('is tried again after minutes, in case that nobody takes it away', () => {
    expect(untilOf(after(LOOP_ENDS, 0))).toBe(LOOP_PAUSE_MS);
  });
});
