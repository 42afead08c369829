import { describe, expect, it } from 'vitest';
import { createPace } from '../../src/host/pace.ts';
import { collectPaced, eachPaced } from '../../src/model/pace.ts';

/** A clock that each piece of work moves on by a millisecond. */
function workClock() {
  let nowMs = 0;
  return {
    clock: { monotonicMs: () => nowMs },
    work: (): void => void (nowMs += 1),
  };
}

const numbers = Array.from({ length: 100 }, (_, index) => index);

const fail = (): void => {
  throw new Error('no');
};

describe('a pace', () => {
  it('lets what comes in between be done, however many work at once', async () => {
    const { clock, work } = workClock();
    const pace = createPace(clock, 5);
    let [done, longest, sinceTurn] = [0, 0, 0];
    const each = (): void => {
      work();
      done += 1;
      sinceTurn += 1;
      longest = Math.max(longest, sinceTurn);
    };
    let turns = 0;
    const turn = (): void => {
      [turns, sinceTurn] = [turns + 1, 0];
      if (done < 300) setImmediate(turn);
    };
    setImmediate(turn);
    await Promise.all([1, 2, 3].map(() => eachPaced(numbers, pace, each)));
    expect(done).toBe(300);
    // Two slices at most between two turns of another: one before it and one after it in the loop's order.
    expect(longest).toBeLessThanOrEqual(10);
    expect(turns).toBeGreaterThanOrEqual(30);
  });

  it('changes neither order nor result', async () => {
    const pace = createPace({ monotonicMs: performance.now.bind(performance) }, 0);
    expect(await collectPaced(numbers, pace)).toEqual(numbers);
    expect(await collectPaced(numbers, undefined)).toEqual(numbers);
  });

  it('hands on what the work throws', async () => {
    await expect(eachPaced(numbers, createPace(workClock().clock), fail)).rejects.toThrow('no');
  });
});
