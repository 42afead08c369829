import { describe, expect, it } from 'vitest';
import { createReleaser } from '../../src/host/memory.ts';

describe('giving memory back', () => {
  it('waits for so many calls, and once for all that come meanwhile', async () => {
    const waits: number[] = [];
    const stop = new AbortController();
    const clock = { sleep: async (ms: number) => void waits.push(ms) };
    const release = createReleaser({ clock, signal: stop.signal, calls: 3 });
    release();
    release();
    expect(waits).toHaveLength(0);
    release();
    release();
    expect(waits).toHaveLength(1);
    stop.abort();
  });
});
