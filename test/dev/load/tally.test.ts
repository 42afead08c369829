import { describe, expect, it } from 'vitest';
import { answered, outcomeOf } from '../../../src/dev/load/outcome.ts';
import { createTally } from '../../../src/dev/load/tally.ts';

const at = (dueMs: number, begunMs: number, endedMs: number) => ({ dueMs, begunMs, endedMs });

describe('the tally of a load run', () => {
  it.each([
    ['ECONNREFUSED', 'refused'],
    ['ECONNRESET', 'reset'],
    ['EPIPE', 'reset'],
    ['ETIMEDOUT', 'timeout'],
    ['EHOSTUNREACH', 'unreachable'],
    ['ENETUNREACH', 'unreachable'],
    ['EADDRNOTAVAIL', 'local'],
    ['EMFILE', 'local'],
    ['', 'local'],
  ])('calls %s %s', (code, outcome) => {
    expect(outcomeOf(code)).toBe(outcome);
  });

  it('puts every attempt in exactly one class, and answers under who gave them', () => {
    const tally = createTally(100);
    tally.add({ name: 'b' }, at(0, 0, 10));
    tally.add({ name: 'a' }, at(0, 0, 100));
    tally.add({ name: 'a' }, at(0, 50, 101));
    tally.add({ code: 'ECONNREFUSED' }, at(5, 5, 6));
    const result = tally.result(2);
    expect(result).toMatchObject({
      attempts: 4,
      outcomes: { ok: 2, slow: 1, refused: 1, reset: 0, timeout: 0, unreachable: 0, local: 0 },
      instances: { a: 2, b: 1 },
      seconds: 2,
      perSecond: 2,
      failures: [{ atMs: 6, outcome: 'refused', code: 'ECONNREFUSED' }],
    });
    expect(Object.keys(result.instances)).toEqual(['a', 'b']);
    expect(answered(result)).toBe(3);
  });

  it('measures from when the attempt was due, and how late it began', () => {
    const tally = createTally(1000);
    tally.add({ name: 'a' }, at(100, 600, 700));
    const { latency, lag } = tally.result(1);
    expect({ latency: latency.max, lag: lag.max }).toEqual({ latency: 600, lag: 500 });
  });

  it('keeps the first 20 failures', () => {
    const tally = createTally(1000);
    for (let k = 0; k < 30; k += 1) tally.add({ code: 'ETIMEDOUT' }, at(k, k, k));
    expect(tally.result(1).failures.map(({ atMs }) => atMs)).toEqual(Array.from({ length: 20 }, (_, k) => k));
  });
});
