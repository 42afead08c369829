import { describe, expect, it } from 'vitest';
import {
  type Expected,
  judgeSilence,
  NO_SILENCE,
  rememberEvicted,
  rememberSilence,
  type SilenceMemory,
  type Verdict,
} from '../../src/registry/silence.ts';

const MINUTE = 60_000;
const first = (): number => 0;

/** So many registrations, of which the first ones are silent. That of one more renewal is waited for is shown where `renewMs` is not 0. */
function registry(
  count: number,
  silent: number,
  mark: Expected['mark'] = 'silent',
  renewMs = 0,
): readonly Expected[] {
  return Array.from({ length: count }, (_, index) => ({
    key: `WEB/i-${index}`,
    durationMs: 90_000,
    renewMs,
    mark: index < silent ? mark : 'renews',
  }));
}

interface Look {
  readonly memory: SilenceMemory;
  readonly verdict: Verdict;
}

function look(before: SilenceMemory, expected: readonly Expected[], nowMs: number): Look {
  const memory = rememberSilence(before, expected, nowMs);
  return {
    memory,
    verdict: judgeSilence(memory, { expected, nowMs, storeBackMs: undefined, random: first }),
  };
}

describe('silence of registered instances', () => {
  it('evicts one that its server calls silent, at once, also the only one', () => {
    for (const count of [1, 3, 20]) {
      const { verdict } = look(NO_SILENCE, registry(count, 1), 0);
      expect(verdict).toEqual({ evict: ['WEB/i-0'], silent: 1, protection: undefined });
    }
  });

  it('waits for one more renewal, 30 s at most, whether others fall silent too', () => {
    for (const [renewMs, waitedMs] of [
      [1_000, 1_000],
      [30_000, 30_000],
      [300_000, 30_000],
    ] as const) {
      const expected = registry(20, 1, 'silent', renewMs);
      const begun = look(NO_SILENCE, expected, 0);
      expect(look(begun.memory, expected, waitedMs - 1).verdict.evict).toEqual([]);
      expect(look(begun.memory, expected, waitedMs).verdict.evict).toEqual(['WEB/i-0']);
    }
  });

  it('evicts none of many that one cause silences, one after the other as they would have renewed', () => {
    let memory: SilenceMemory = NO_SILENCE;
    for (let step = 1; step <= 120; step += 1) {
      const expected = registry(100, Math.min(40, step), 'silent', 30_000);
      const looked = look(memory, expected, step * 750);
      memory = looked.memory;
      expect(looked.verdict.evict).toEqual([]);
    }
  });

  it('waits as long as it promised to renew within where its server is gone', () => {
    const expected = registry(20, 1, 'none');
    const begun = look(NO_SILENCE, expected, 0);
    expect(begun.verdict.evict).toEqual([]);
    expect(look(begun.memory, expected, 89_999).verdict.evict).toEqual([]);
    expect(look(begun.memory, expected, 90_000).verdict.evict).toEqual(['WEB/i-0']);
  });

  it('counts its silence anew when it was heard in between', () => {
    const begun = look(NO_SILENCE, registry(20, 1, 'none'), 0);
    const heard = look(begun.memory, registry(20, 0), MINUTE);
    expect(look(heard.memory, registry(20, 1, 'none'), 2 * MINUTE).verdict.evict).toEqual([]);
  });

  it('evicts none of too many that fall silent together, however long, and says why and what ends it', () => {
    let memory: SilenceMemory = NO_SILENCE;
    for (const nowMs of [0, MINUTE, 60 * MINUTE]) {
      const looked = look(memory, registry(100, 40), nowMs);
      memory = looked.memory;
      expect(looked.verdict.evict).toEqual([]);
      expect(looked.verdict.protection?.why).toBe(
        '40 of 100 registered instances fell silent together: 16 are too many to believe',
      );
      expect(looked.verdict.protection?.ends).toContain('fewer than 16');
    }
  });

  it('ends the protection when they renew again, and believes the few that do not', () => {
    const protectedLook = look(NO_SILENCE, registry(100, 40), 0);
    const after = look(protectedLook.memory, registry(100, 3), 1_000);
    expect(after.verdict.protection).toBeUndefined();
    expect(after.verdict.evict).toHaveLength(3);
  });

  it('does not miss those that left by themselves, however many, and does not stick to a protection for them', () => {
    const all = look(NO_SILENCE, registry(100, 0), 0);
    const scaledIn = look(all.memory, registry(100, 0).slice(0, 30), 1_000);
    expect(scaledIn.verdict).toEqual({ evict: [], silent: 0, protection: undefined });
    const oneMore = look(scaledIn.memory, registry(30, 1), 2_000);
    expect(oneMore.verdict.evict).toEqual(['WEB/i-0']);
  });

  it('believes many that fall silent one after the other, at most 15 % of all in a minute', () => {
    let memory: SilenceMemory = NO_SILENCE;
    const gone = new Set<string>();
    for (let step = 0; step < 40; step += 1) {
      const expected = registry(100, step + 1).filter(({ key }) => !gone.has(key));
      const { verdict, memory: next } = look(memory, expected, step * 10_000);
      for (const key of verdict.evict) gone.add(key);
      memory = rememberEvicted(next, verdict.evict.length, step * 10_000);
      expect(memory.evictedMs.length).toBeLessThanOrEqual(15);
    }
    expect(gone.size).toBe(40);
  });

  it('takes a part of the due ones in random order', () => {
    const expected = registry(1_000, 100).map((one, index) => ({ ...one, key: `A${index % 10}/${index}` }));
    // Each a little over a minute after the one before, as this leader saw them.
    const memory = {
      silentSinceMs: new Map(expected.slice(0, 100).map(({ key }, index) => [key, index * 700])),
      evictedMs: Array.from({ length: 140 }, () => 100_000),
    };
    let seed = 1;
    const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
    const { evict } = judgeSilence(memory, { expected, nowMs: 100_000, storeBackMs: undefined, random });
    expect(evict).toHaveLength(10);
    expect(new Set(evict.map((key) => key.split('/')[0])).size).toBeGreaterThan(3);
  });

  it('believes nothing for 30 s after the leader itself had lost the store', () => {
    const expected = registry(20, 1);
    const memory = rememberSilence(NO_SILENCE, expected, 0);
    const at = (nowMs: number): Verdict =>
      judgeSilence(memory, { expected, nowMs, storeBackMs: 1_000, random: first });
    expect(at(30_999)).toMatchObject({ evict: [], protection: { ends: '30 s of following the store' } });
    expect(at(31_000).evict).toEqual(['WEB/i-0']);
  });
});
