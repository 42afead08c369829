import { describe, expect, it } from 'vitest';
import { createPulse } from '../../../src/agent/instances/pulse.ts';
import { type Clock, systemClock } from '../../../src/host/clock.ts';

describe('a pulse', () => {
  it('wakes sleepers in the order of their times, none too early', async () => {
    const pulse = createPulse(systemClock);
    const started = systemClock.monotonicMs();
    const woken: number[] = [];
    await Promise.all(
      [230, 10, 120].map(async (ms) => {
        await pulse.sleep(ms);
        expect(systemClock.monotonicMs() - started).toBeGreaterThanOrEqual(ms);
        woken.push(ms);
      }),
    );
    expect(woken).toEqual([10, 120, 230]);
  });

  it('has one timer for all that sleep, and none while nobody does', async () => {
    let timers = 0;
    let most = 0;
    const clock: Clock = {
      ...systemClock,
      sleep: async (ms) => {
        timers += 1;
        most = Math.max(most, timers);
        await systemClock.sleep(ms);
        timers -= 1;
      },
    };
    const pulse = createPulse(clock);
    await Promise.all(Array.from({ length: 50 }, (_, at) => pulse.sleep(at)));
    expect(most).toBe(1);
    await systemClock.sleep(0);
    expect(timers).toBe(0);
  });

  it('calls back once, and never where that was taken back', async () => {
    const pulse = createPulse(systemClock);
    const called: string[] = [];
    pulse.after(10, () => called.push('kept'));
    pulse.after(10, () => called.push('taken back'))();
    await pulse.sleep(110);
    expect(called).toEqual(['kept']);
  });

  it('ends a pause at its time, or on the first half second on which it is over', async () => {
    const pulse = createPulse(systemClock);
    const { signal } = new AbortController();
    const from = systemClock.monotonicMs();
    await pulse.pause({ atMs: from + 50, isOver: () => false }, signal);
    expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(from + 50);
    await pulse.pause({ atMs: from + 60_000, isOver: () => true }, signal);
    expect(systemClock.monotonicMs() - from).toBeLessThan(60_000);
  });

  it('ends a sleep at once when its signal aborts', async () => {
    const stop = new AbortController();
    const sleep = createPulse(systemClock).sleep(60_000, stop.signal);
    stop.abort();
    await sleep;
    expect(stop.signal.aborted).toBe(true);
  });
});
