import { expect, it } from 'vitest';
import { type Life, newLife, type Phase } from '../../../src/agent/instances/life.ts';
import { resume } from '../../../src/agent/instances/phase-views.ts';
import { foundOf } from '../../../src/agent/instances/words.ts';
import type { ExitStatus } from '../../../src/runtime/driver.ts';

const LOST: ExitStatus = {
  code: undefined,
  signal: undefined,
  outOfMemory: false,
  at: undefined,
  lost: true,
};
const exited = (exit: ExitStatus): ReturnType<typeof foundOf> =>
  foundOf({ kind: 'exited', id: 'a', service: 'web', port: 80, exit });

it('what was never started is not there, so that it is started; what was lost has ended', () => {
  expect(foundOf(undefined)).toEqual({ kind: 'absent' });
  expect(exited({ ...LOST, unstarted: true })).toEqual({ kind: 'absent' });
  expect(exited(LOST)).toEqual({ kind: 'exited', why: 'it is gone, and nobody saw how' });
});

it('a life whose process is absent goes on with its start or its removal; any other has ended unseen', () => {
  const timing = {
    successes: 1,
    failures: 1,
    startMs: 1_000,
    drainMs: 0,
    onDeadline: 'leave',
    hasHook: false,
  } as const;
  const after = (phase: Phase): Life =>
    resume({ ...newLife(timing), phase, why: 'before' }, { kind: 'absent' }, { now: 0, random: 0.5 });
  expect(after({ kind: 'pending' })).toMatchObject({ phase: { kind: 'pending' }, why: 'before' });
  expect(after({ kind: 'stopped' })).toMatchObject({ phase: { kind: 'stopped' }, why: 'before' });
  expect(after({ kind: 'ready', since: 0, unwell: 0 })).toMatchObject({
    phase: { kind: 'failed' },
    why: 'it is gone, and nobody saw how',
  });
});
