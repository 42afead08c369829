import { describe, expect, it } from 'vitest';
import { createLaunches, type Pressure } from '../../src/runtime/launches.ts';
import { createVirtualClock } from '../harness/virtual-clock.ts';

/** Launches over processors for which somebody waits in this part of the time; when each began, in ms. */
function world(part: (nowMs: number) => number, average = 0.5) {
  const clock = createVirtualClock();
  let totalUs = 0;
  let lastMs = 0;
  const pressure = (): Pressure | undefined => {
    const nowMs = clock.monotonicMs();
    totalUs += part(lastMs) * (nowMs - lastMs) * 1_000;
    lastMs = nowMs;
    return average < 0 ? undefined : { average, totalUs };
  };
  const launch = createLaunches({ count: 1, clock, random: () => 0.5, pressure });
  const began: number[] = [];
  const start = (): void => void launch(async () => void began.push(clock.monotonicMs()));
  return { clock, start, began };
}

describe('launches', () => {
  it('begin at once where processors are calm, and where the kernel does not tell', async () => {
    for (const average of [0.04, -1]) {
      const { clock, start, began } = world(() => 1, average);
      for (let count = 0; count < 3; count += 1) start();
      await clock.advance(0);
      expect(began).toEqual([0, 0, 0]);
    }
  });

  it('begin after one look where there were busy moments and there is none now', async () => {
    const { clock, start, began } = world(() => 0.5);
    start();
    await clock.advance(1_000);
    expect(began).toEqual([100]);
  });

  it('wait for a moment in which few wait for a processor', async () => {
    const { clock, start, began } = world((nowMs) => (nowMs < 450 ? 0.9 : 0.1));
    start();
    await clock.advance(2_000);
    expect(began).toEqual([600]);
  });

  it('wait no longer than a second, all launches of a burst together', async () => {
    const { clock, start, began } = world(() => 1);
    for (let count = 0; count < 5; count += 1) start();
    await clock.advance(3_000);
    expect(began).toEqual([1_000, 1_000, 1_000, 1_000, 1_000]);
    await clock.advance(7_000);
    start();
    await clock.advance(3_000);
    expect(began.at(-1)).toBe(11_000);
  });

  it('begin in the order of their calls, and one that fails holds up none', async () => {
    const clock = createVirtualClock();
    const launch = createLaunches({ count: 1, clock, pressure: () => undefined });
    const began: string[] = [];
    const failing = launch(async () => {
      began.push('a');
      throw new Error('no');
    });
    const second = launch(async () => began.push('b'));
    await expect(failing).rejects.toThrow('no');
    expect(await second).toBe(2);
    expect(began).toEqual(['a', 'b']);
  });
});
