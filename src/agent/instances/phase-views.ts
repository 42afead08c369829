/** Owns what follows from a phase: the job that belongs to it, the state that others see, its next deadline, and where a life goes on after
 * its agent was killed. Pure. */
import type { InstanceState } from '../../model/service.ts';
import type { Life, Moment, Phase } from './life.ts';
import { step } from './step.ts';

/** What has to be done in a phase. Only `start` and `stop` must not be broken off. */
export type Job =
  'start' | 'probe' | 'stop' | 'announce' | 'acknowledge' | 'hook' | 'look' | 'reset' | 'remove';

const JOBS: Readonly<Record<Phase['kind'], Job | undefined>> = {
  pending: 'start',
  starting: 'probe',
  ready: 'probe',
  unwell: 'probe',
  ending: 'stop',
  failed: undefined,
  announcing: 'announce',
  acknowledging: 'acknowledge',
  hook: 'hook',
  connections: 'look',
  resetting: 'reset',
  stopping: 'stop',
  stopped: undefined,
  gone: undefined,
};

/** The one job of a life's phase; undefined: only time goes on. */
export const jobOf = ({ phase, assigned }: Life): Job | undefined =>
  phase.kind === 'stopped' && !assigned ? 'remove' : JOBS[phase.kind];

const STATES: Readonly<Record<Phase['kind'], InstanceState>> = {
  pending: 'pending',
  starting: 'starting',
  ready: 'ready',
  unwell: 'starting',
  ending: 'failed',
  failed: 'failed',
  announcing: 'draining',
  acknowledging: 'draining',
  hook: 'draining',
  connections: 'draining',
  resetting: 'draining',
  stopping: 'stopping',
  stopped: 'stopped',
  gone: 'stopped',
};

/** The state that others see. */
export const stateOf = ({ phase }: Life): InstanceState =>
  phase.kind === 'failed' && phase.loop ? 'crashloop' : STATES[phase.kind];

/** When `tick` is due; undefined: never. */
export function dueAt({ phase }: Life): number | undefined {
  if ('until' in phase) return phase.until;
  return phase.kind === 'connections' ? phase.deadline : undefined;
}

/** What the driver says of an instance that this life was kept of. */
export type Found =
  | { readonly kind: 'running' }
  | { readonly kind: 'exited'; readonly why: string }
  | { readonly kind: 'absent' };

/** Where a life goes on after its agent was away: the same process, or what its end means. */
export function resume(life: Life, found: Found, at: Moment): Life {
  const { kind } = life.phase;
  if (found.kind === 'running') {
    if (kind === 'pending') return step(life, { kind: 'started' }, at);
    if (kind === 'failed') return step({ ...life, phase: { kind: 'pending' } }, { kind: 'started' }, at);
    return kind === 'stopped' ? { ...life, phase: { kind: 'stopping' } } : life;
  }
  if (found.kind === 'exited') return step(life, { kind: 'exited', why: found.why }, at);
  // Nothing is there: a start that had not begun is done now, a removal goes on; whatever ran is gone and nobody saw how.
  return kind === 'pending' || kind === 'stopped'
    ? life
    : step(life, { kind: 'exited', why: 'it is gone, and nobody saw how' }, at);
}

/** The life with all its times moved: monotonic time begins anew with every agent. */
export function shifted(life: Life, ms: number): Life {
  const { phase } = life;
  const moved: Phase = {
    ...phase,
    ...('until' in phase ? { until: phase.until + ms } : {}),
    ...('deadline' in phase ? { deadline: phase.deadline + ms } : {}),
    ...('since' in phase ? { since: phase.since + ms } : {}),
  };
  return { ...life, phase: moved, ends: life.ends.map((end) => end + ms) };
}
