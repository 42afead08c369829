import { describe, expect, it } from 'vitest';
import type { Answer } from '../../../src/agent/instances/edges.ts';
import { type Life, newLife } from '../../../src/agent/instances/life.ts';
import { createProber, nextRoundAt } from '../../../src/agent/instances/prober.ts';
import { step } from '../../../src/agent/instances/step.ts';
import { timingOf } from '../../../src/agent/instances/words.ts';
import { templateOf } from '../../../src/model/template-defaults.ts';
import { assignment } from './supervised.ts';
import { virtualClock } from './virtual-clock.ts';

describe('the next round', () => {
  it('begins one interval later on the same half second, however late the last one began on its own', () => {
    expect(nextRoundAt(10_000, 2_000)).toBe(12_000);
    expect(nextRoundAt(10_120, 2_000)).toBe(12_000);
    expect(nextRoundAt(10_120, 1_000)).toBe(11_000);
  });

  it('is never later than its interval', () => {
    expect(nextRoundAt(10_000, 1_900)).toBe(11_500);
  });

  it('of an instance that is waited for is not put off or brought forward', () => {
    expect(nextRoundAt(10_120, 200)).toBe(10_320);
  });
});

/** Seconds after which a ready instance was asked, of its first 25. */
async function askedAt(
  intervalSeconds: number,
  sees: { readonly looksWell?: (ms: number) => boolean; readonly answer?: (ms: number) => Answer },
): Promise<readonly number[]> {
  const template = templateOf({ command: ['serve'], probe: { kind: 'tcp', intervalSeconds } });
  const clock = virtualClock();
  const asked: number[] = [];
  const ending = new AbortController();
  const ready: Life = { ...newLife(timingOf(template)), phase: { kind: 'ready', since: 0, unwell: 0 } };
  let life = ready;
  const probe = createProber(
    {
      ask: async () => {
        asked.push(clock.monotonicMs() / 1_000);
        return sees.answer?.(clock.monotonicMs()) ?? { well: true };
      },
      looksWell: () => sees.looksWell?.(clock.monotonicMs()) ?? false,
      isHalted: () => false,
    },
    { clock, random: () => 0 },
  );
  const { ip, port } = { ip: '10.0.0.1', port: 1 };
  const order = { ...template, id: 'a', service: 'web', ip, port, user: 'app', workingDirectory: '/' };
  const probing = probe({
    running: { assignment: assignment('a', { template }), order },
    life: () => life,
    onRound: (round) => {
      const at = { now: clock.monotonicMs(), random: 0 };
      life = step(life, { kind: 'probed', ...round }, at);
    },
    signal: ending.signal,
  });
  clock.after(25_000, () => ending.abort());
  await clock.run(probing);
  return asked;
}

describe('a ready instance', () => {
  it('is asked at every interval where nothing else tells that it is well', async () => {
    expect(await askedAt(2, {})).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24]);
  });

  it('is asked every ten seconds while it looks well, or at a longer interval of its own', async () => {
    expect(await askedAt(2, { looksWell: () => true })).toEqual([0, 10, 20]);
    expect(await askedAt(12, { looksWell: () => true })).toEqual([0, 12, 24]);
  });

  it('is asked on the next half second once it does not look well, but no more often than at its interval', async () => {
    expect(await askedAt(2, { looksWell: (ms) => ms < 5_100 || ms >= 9_000 })).toEqual([0, 5.5, 7.5, 17.5]);
  });

  it('is asked again soon after an answer that was not good, however it looks', async () => {
    const asked = await askedAt(2, {
      looksWell: () => true,
      answer: (ms) => ({ well: ms < 10_000 || ms >= 10_400, why: 'refused' }),
    });
    expect(asked).toEqual([0, 10, 10.2, 10.4, 20]);
  });
});
