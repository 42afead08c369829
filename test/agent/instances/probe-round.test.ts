import { describe, expect, it } from 'vitest';
import type { Answer } from '../../../src/agent/instances/edges.ts';
import { pauseAfter, probeRound, type RoundOptions } from '../../../src/agent/instances/probe-round.ts';
import { virtualClock } from './virtual-clock.ts';

interface Asked {
  readonly at: number;
  readonly timeoutMs: number;
}

/** Runs a round in which the n-th ask takes so many ms (undefined: until its timeout) and has this answer. */
async function round(
  answers: readonly { readonly afterMs?: number; readonly answer?: Answer }[],
  change: Partial<RoundOptions> = {},
): Promise<{
  readonly result: Awaited<ReturnType<typeof probeRound>>;
  readonly asked: readonly Asked[];
  readonly tookMs: number;
}> {
  const clock = virtualClock();
  const asked: Asked[] = [];
  const result = await clock.run(
    probeRound({
      timing: { timeoutSeconds: 1, failures: 3 },
      ask: async ({ timeoutMs }) => {
        const said = answers[asked.length] ?? {};
        asked.push({ at: clock.monotonicMs(), timeoutMs });
        await clock.sleep(said.afterMs ?? timeoutMs);
        return said.answer ?? { well: false, why: `no answer within ${timeoutMs} ms` };
      },
      clock,
      signal: new AbortController().signal,
      hurry: true,
      ...change,
    }),
  );
  return { result, asked, tookMs: clock.monotonicMs() };
}

const WELL: Answer = { well: true };

describe('a round of probes', () => {
  it('asks once where the answer is quick, good or bad', async () => {
    expect(await round([{ afterMs: 5, answer: WELL }])).toMatchObject({
      result: { well: true, times: 1 },
      tookMs: 5,
    });
    const bad = await round([{ afterMs: 5, answer: { well: false, why: 'HTTP 503' } }]);
    expect(bad.result).toEqual({ well: false, why: 'HTTP 503', times: 1 });
    expect(bad.asked).toHaveLength(1);
  });

  it('asks one that hangs beside, as often as failures count, and knows after one timeout', async () => {
    const { result, asked, tookMs } = await round([]);
    expect(result).toEqual({ well: false, why: 'no answer within 1000 ms', times: 3 });
    expect(asked).toEqual([
      { at: 0, timeoutMs: 1_000 },
      { at: 250, timeoutMs: 750 },
      { at: 500, timeoutMs: 500 },
    ]);
    expect(tookMs).toBe(1_000);
  });

  it('is good if any of them is answered well, at once', async () => {
    const { result, tookMs } = await round([{}, { afterMs: 100, answer: WELL }]);
    expect(result).toEqual({ well: true, times: 1 });
    expect(tookMs).toBe(350);
    expect((await round([{ afterMs: 900, answer: WELL }])).result.well).toBe(true);
  });

  it('does not ask beside where there is no hurry or one failure is enough', async () => {
    expect((await round([], { hurry: false })).asked).toHaveLength(1);
    expect((await round([], { timing: { timeoutSeconds: 1, failures: 1 } })).asked).toHaveLength(1);
  });
});

describe('the pause to the next round', () => {
  const timing = { intervalSeconds: 2 };
  const ready = { timing, impatient: false, waitedMs: 0, last: WELL, shorten: 0 };

  it('is the interval, or what is left of it where a part is to be left out', () => {
    expect(pauseAfter(ready)).toBe(2_000);
    expect(pauseAfter({ ...ready, shorten: 0.25 })).toBe(1_500);
  });

  it('is short after a bad answer', () => {
    expect(pauseAfter({ ...ready, last: { well: false } })).toBe(200);
  });

  it('is short while an instance gets ready, and grows with the wait up to the interval', () => {
    expect(pauseAfter({ ...ready, impatient: true })).toBe(200);
    expect(pauseAfter({ ...ready, impatient: true, waitedMs: 5_000 })).toBe(700);
    expect(pauseAfter({ ...ready, impatient: true, waitedMs: 60_000 })).toBe(2_000);
  });
});
