import { describe, expect, it } from 'vitest';
import { createSlots } from '../../src/runtime/slots.ts';

describe('slots', () => {
  it('let so many run at the same time, the others in the order of their calls, also after one that failed', async () => {
    const take = createSlots(2);
    const begun: number[] = [];
    const ends: (() => void)[] = [];
    const all = [0, 1, 2, 3].map((at) =>
      take(async () => {
        begun.push(at);
        await new Promise<void>((resolve) => ends.push(resolve));
        if (at === 0) throw new Error('no');
      }).catch(() => undefined),
    );
    await Promise.resolve();
    expect(begun).toEqual([0, 1]);
    ends[0]?.();
    await all[0];
    expect(begun).toEqual([0, 1, 2]);
    ends[1]?.();
    await all[1];
    expect(begun).toEqual([0, 1, 2, 3]);
    for (const end of ends) end();
    await Promise.all(all);
  });
});
