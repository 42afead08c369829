import { describe, expect, it } from 'vitest';
import type { Answer } from '../../../src/dev/load/attempt.ts';
import { generateLoad, type LoadDeps } from '../../../src/dev/load/generate.ts';
import type { LoadSpec } from '../../../src/dev/load/outcome.ts';
import { createVirtualClock, type VirtualClock } from '../../harness/virtual-clock.ts';

const SPEC: LoadSpec = {
  host: '127.0.0.1',
  port: 1,
  pace: { kind: 'rate', perSecond: 100 },
  count: 1000,
  durationMs: 60_000,
};

/** A target that answers after a time that may depend on when it is asked. */
function target(clock: VirtualClock, answersAfterMs: (nowMs: number) => number) {
  const seen = { begunMs: [] as number[], underWay: 0, most: 0 };
  const answerLater = async (ms: number, done: (answer: Answer) => void): Promise<void> => {
    await clock.sleep(ms);
    seen.underWay -= 1;
    done({ name: 'a' });
  };
  const attempt: LoadDeps['attempt'] = (_to, done: (answer: Answer) => void) => {
    seen.begunMs.push(clock.monotonicMs());
    seen.underWay += 1;
    seen.most = Math.max(seen.most, seen.underWay);
    void answerLater(answersAfterMs(clock.monotonicMs()), done);
  };
  return { seen, attempt };
}

describe('the pace of the load generator', () => {
  it('begins attempts by the clock, however long the answers take', async () => {
    const clock = createVirtualClock();
    const { seen, attempt } = target(clock, () => 5000);
    const result = generateLoad({ ...SPEC, count: 50 }, { clock, attempt });
    await clock.advance(10_000);
    expect(seen.begunMs).toHaveLength(50);
    expect(seen.begunMs.at(-1)).toBe(490);
    expect(seen.most).toBe(50);
    expect((await result).outcomes).toMatchObject({ ok: 0, slow: 50 });
  });

  it('counts a stall against every attempt that was due in it', async () => {
    const clock = createVirtualClock();
    const stall = { fromMs: 200, untilMs: 1200 };
    const { attempt } = target(clock, (nowMs) =>
      nowMs >= stall.fromMs && nowMs < stall.untilMs ? stall.untilMs - nowMs : 0,
    );
    const result = generateLoad({ ...SPEC, count: 200, slowMs: 100 }, { clock, attempt });
    await clock.advance(10_000);
    // Due each 10 ms from 200 to 1190 ms; those of the last 100 ms of the stall wait 100 ms or less.
    expect((await result).outcomes).toMatchObject({ ok: 110, slow: 90 });
  });

  it('keeps so many attempts under way, and no more', async () => {
    const clock = createVirtualClock();
    const { seen, attempt } = target(clock, () => 10);
    const pace = { kind: 'concurrency', connections: 7 } as const;
    const result = generateLoad({ ...SPEC, pace, count: 70 }, { clock, attempt });
    await clock.advance(1000);
    expect(await result).toMatchObject({ attempts: 70, instances: { a: 70 }, seconds: 0.1 });
    expect(seen.most).toBe(7);
  });

  it('ends after its duration, with the attempts under way', async () => {
    const clock = createVirtualClock();
    const { attempt } = target(clock, () => 300);
    const result = generateLoad({ ...SPEC, durationMs: 1000 }, { clock, attempt });
    await clock.advance(10_000);
    expect(await result).toMatchObject({ attempts: 100, outcomes: { ok: 100 } });
  });

  it('ends when it is stopped', async () => {
    const clock = createVirtualClock();
    const { attempt } = target(clock, () => 1);
    const stop = new AbortController();
    const result = generateLoad(SPEC, { clock, attempt, signal: stop.signal });
    await clock.advance(495);
    stop.abort();
    await clock.advance(100);
    expect((await result).attempts).toBe(50);
  });

  it.each([
    ['no attempts', { count: 0 }],
    ['too many attempts', { count: 10_000_001 }],
    ['no end', { durationMs: Infinity }],
    ['no pace', { pace: { kind: 'rate', perSecond: NaN } }],
    ['no connections', { pace: { kind: 'concurrency', connections: 0 } }],
  ] as const)('refuses %s', async (_what, change) => {
    await expect(generateLoad({ ...SPEC, ...change })).rejects.toMatchObject({ code: 'usage' });
  });
});
