import { describe, expect, it } from 'vitest';
import { waitUntil } from '../../src/host/wait.ts';
import { createVirtualClock } from '../harness/virtual-clock.ts';

describe('waiting for a condition', () => {
  it('gives the first value that is neither undefined nor false, and looks at once', async () => {
    const clock = createVirtualClock();
    expect(await waitUntil(() => 0, { what: 'zero', timeoutMs: 0, clock })).toBe(0);
  });

  it('looks again and again until it holds', async () => {
    const clock = createVirtualClock();
    let looks = 0;
    const waiting = waitUntil(() => (looks += 1) === 4, { what: 'it', timeoutMs: 1000, everyMs: 100, clock });
    await clock.advance(300);
    expect(await waiting).toBe(true);
  });

  it('gives up at the deadline and says what it waited for', async () => {
    const clock = createVirtualClock();
    const waiting = waitUntil(() => false, {
      what: 'godot',
      timeoutMs: 50,
      clock,
      facts: () => 'he sent a boy',
    });
    const [refused] = await Promise.allSettled([waiting, clock.advance(60)]);
    expect(refused).toMatchObject({
      reason: { code: 'timeout', message: 'waited 50 ms for godot', why: 'he sent a boy' },
    });
  });

  it('stops when it is told to', async () => {
    const clock = createVirtualClock();
    const stop = new AbortController();
    const waiting = waitUntil(() => false, { what: 'it', timeoutMs: 50, clock, signal: stop.signal });
    stop.abort();
    const [refused] = await Promise.allSettled([waiting, clock.advance(1)]);
    expect(refused).toMatchObject({ reason: { code: 'interrupted' } });
  });
});
