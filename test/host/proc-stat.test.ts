import { describe, expect, it } from 'vitest';
import { readProcStat, readRunState } from '../../src/host/proc-stat.ts';

describe('the state of a process', () => {
  it('is the same in the short look as in the long one', () => {
    const { state, startTicks } = readRunState(1) ?? {};
    expect(startTicks).toMatch(/^[0-9]+$/);
    expect(state).toMatch(/^[A-Z]$/);
    expect(startTicks).toBe(readProcStat(1)?.startTicks);
    expect(readRunState(process.pid)?.startTicks).toBe(readProcStat(process.pid)?.startTicks);
  });

  it('of a process that is gone is none', () => {
    expect(readRunState(2 ** 22 + 1)).toBeUndefined();
  });
});
