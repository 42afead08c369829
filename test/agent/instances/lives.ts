/** Owns lives that tests of the machine begin with. */
import type { Life, Phase, StopWish, Timing } from '../../../src/agent/instances/life.ts';

/** Two good answers make it ready, three bad ones unready; 10 s to be ready, 20 s to drain. */
export const TIMING: Timing = {
  successes: 2,
  failures: 3,
  startMs: 10_000,
  drainMs: 20_000,
  onDeadline: 'leave',
  hasHook: true,
};

/** An order to stop within 20 s. */
export const STOP: StopWish = { reason: 'scaled to 2', drainMs: 20_000, onDeadline: 'leave' };

/** A life in a phase. */
export const lifeIn = (phase: Phase, change: Partial<Life> = {}): Life => ({
  timing: TIMING,
  phase,
  assigned: true,
  restarts: 0,
  ends: [],
  pauseMs: 0,
  ...change,
});

/** A life in a phase that was ordered to stop. */
export const stoppingIn = (phase: Phase, change: Partial<Life> = {}): Life =>
  lifeIn(phase, { stop: STOP, ...change });
