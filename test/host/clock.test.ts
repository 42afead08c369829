import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/host/clock.ts';

/** Longer than any test. */
const LONG_MS = 3_600_000;

describe('the clock of the machine', () => {
  it('sleeps as long as it is told to', async () => {
    const startedMs = systemClock.monotonicMs();
    await systemClock.sleep(20, new AbortController().signal);
    // A timer counts whole milliseconds.
    expect(systemClock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(19);
  });

  it('wakes when the signal aborts, at once if it has, and without an error', async () => {
    const stop = new AbortController();
    const sleeping = systemClock.sleep(LONG_MS, stop.signal);
    stop.abort();
    await expect(sleeping).resolves.toBeUndefined();
    await expect(systemClock.sleep(LONG_MS, stop.signal)).resolves.toBeUndefined();
  });

  it('leaves nothing behind at the signal, however it woke', async () => {
    const { signal } = new AbortController();
    await Promise.all([systemClock.sleep(1, signal), systemClock.sleep(2, signal)]);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});
