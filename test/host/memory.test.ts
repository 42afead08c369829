import { describe, expect, it } from 'vitest';
import { createReleaser } from '../../src/host/memory.ts';

describe('giving memory back', () => {
  it('waits once for all calls that come meanwhile', async () => {
    const waits: number[] = [];
    const stop = new AbortController();
    const clock = { sleep: async (ms: number) => void waits.push(ms) };
    const release = createReleaser({ clock, signal: stop.signal });
    expect(waits).toHaveLength(0);
    release();
    release();
    expect(waits).toHaveLength(1);
    stop.abort();
  });
});
