/**
 * Owns what becomes of an instance: one step from its life and an event to its next life. Pure and total: an event that does not belong to
 * the phase (an answer that came too late) changes nothing.
 */
import type { Life, LifeEvent, Moment, Phase, StopWish } from './life.ts';
import { afterEnd } from './restart-pace.ts';

/** Nodes that do not answer are not waited for longer. */
export const ACKNOWLEDGE_MS = 5_000;
/** An instance without connections is looked at so many times before it is ended: one may just be on its way. */
const LOOKS = 2;
/** One that was ready has at least so long to be well again. */
export const UNWELL_MS = 30_000;

type EventOf<K extends LifeEvent['kind']> = Extract<LifeEvent, { readonly kind: K }>;

const to = (life: Life, phase: Phase, why?: string): Life => ({ ...life, phase, why });

/** Why it goes, of one whose stop was ordered. */
const reasonOf = ({ stop, why }: Life): string | undefined => stop?.reason ?? why;

const running = (life: Life, now: number): Phase => ({
  kind: 'starting',
  until: now + life.timing.startMs,
  well: 0,
});

/** After its end: away if a stop was ordered, else to be started again. */
const ended = (life: Life, why: string, at: Moment): Life =>
  life.stop === undefined ? afterEnd(life, why, at) : to(life, { kind: 'stopping' }, why);

type Kinds = ReadonlySet<Phase['kind']>;

/** Its process runs, and traffic may go to it. */
const RUNNING: Kinds = new Set(['starting', 'ready', 'unwell']);
/** On its way out, its process untouched. */
const LEAVING: Kinds = new Set(['announcing', 'acknowledging', 'hook', 'connections']);

/** The way out begins; one without a process has no connections. Where a start or an end is under way, its answer decides. */
function goOut(life: Life): Life {
  const { kind } = life.phase;
  if (RUNNING.has(kind)) return to(life, { kind: 'announcing' }, reasonOf(life));
  return kind === 'failed' ? to(life, { kind: 'stopping' }, reasonOf(life)) : life;
}

/** It shall stay after all: what still has its process is asked again whether it is well; what is being ended is started after that. */
function comeBack(life: Life, now: number): Life {
  const { kind } = life.phase;
  const why = 'the stop was taken back';
  if (LEAVING.has(kind)) return to(life, running(life, now), why);
  if (kind !== 'stopped') return life;
  return { ...to(life, { kind: 'pending' }, why), restarts: life.restarts + 1 };
}

function ordered(life: Life, { assigned, stop }: EventOf<'ordered'>, now: number): Life {
  if (life.phase.kind === 'gone') return life;
  const wish: StopWish | undefined = stop ?? (assigned ? undefined : defaultWish(life));
  const next: Life = { ...life, assigned, stop: wish };
  if (wish !== undefined) return goOut(next);
  return life.stop === undefined ? next : comeBack(next, now);
}

const defaultWish = ({ timing }: Life): StopWish => ({
  reason: 'its assignment is gone',
  drainMs: timing.drainMs,
  onDeadline: timing.onDeadline,
});

/** Asked before it was ready, or ready again. */
function probedWell(life: Life, times: number, now: number): Life {
  const { phase, timing } = life;
  if (phase.kind === 'ready') {
    return phase.unwell === 0 ? life : { ...life, phase: { ...phase, unwell: 0 } };
  }
  if (phase.kind !== 'starting' && phase.kind !== 'unwell') return life;
  const well = phase.well + times;
  if (well >= timing.successes) return to(life, { kind: 'ready', since: now, unwell: 0 });
  return { ...life, phase: { ...phase, well } };
}

function probedUnwell(life: Life, { times, why }: EventOf<'probed'>, now: number): Life {
  const { phase, timing } = life;
  const said = why ?? 'no answer';
  if (phase.kind === 'starting' || phase.kind === 'unwell') {
    return to(life, { ...phase, well: 0 }, said);
  }
  if (phase.kind !== 'ready') return life;
  const unwell = phase.unwell + times;
  if (unwell < timing.failures) return { ...life, phase: { ...phase, unwell } };
  return to(life, { kind: 'unwell', until: now + Math.max(timing.startMs, UNWELL_MS), well: 0 }, said);
}

function started(life: Life, now: number): Life {
  if (life.phase.kind !== 'pending') return life;
  const next = to(life, running(life, now), life.restarts === 0 ? undefined : life.why);
  return next.stop === undefined ? next : goOut(next);
}

/** It had its time to be ready and is not: it is ended, to be started anew. */
function giveUp(life: Life): Life {
  const seconds = Math.round(life.timing.startMs / 1_000);
  const what = life.phase.kind === 'starting' ? `not ready within ${seconds}s` : 'did not get well again';
  return to(life, { kind: 'ending' }, life.why === undefined ? what : `${what}: ${life.why}`);
}

/** Deadlines that have passed. */
function tick(life: Life, { now }: Moment): Life {
  const { phase } = life;
  if (phase.kind === 'connections') return now < phase.deadline ? life : atDeadline(life);
  if (!('until' in phase) || now < phase.until) return life;
  if (phase.kind === 'acknowledging') return acknowledged(life, now);
  if (phase.kind !== 'failed') return giveUp(life);
  return { ...to(life, { kind: 'pending' }, life.why), restarts: life.restarts + 1 };
}

function announced(life: Life, revision: number, now: number): Life {
  if (life.phase.kind !== 'announcing') return life;
  const drainMs = life.stop?.drainMs ?? life.timing.drainMs;
  const times = { until: now + ACKNOWLEDGE_MS, deadline: now + drainMs };
  return to(life, { kind: 'acknowledging', revision, ...times }, reasonOf(life));
}

function acknowledged(life: Life, now: number): Life {
  if (life.phase.kind !== 'acknowledging') return life;
  const { deadline } = life.phase;
  if (life.timing.hasHook) return to(life, { kind: 'hook', deadline }, reasonOf(life));
  return afterHook(life, deadline, now);
}

function afterHook(life: Life, deadline: number, now: number): Life {
  const next = to(life, { kind: 'connections', deadline, none: 0 }, reasonOf(life));
  return now < deadline ? next : atDeadline(next);
}

const atDeadline = (life: Life): Life =>
  to(
    life,
    { kind: (life.stop ?? life.timing).onDeadline === 'reset' ? 'resetting' : 'stopping' },
    reasonOf(life),
  );

function looked(life: Life, open: number, now: number): Life {
  const { phase } = life;
  if (phase.kind !== 'connections') return life;
  const none = open === 0 ? phase.none + 1 : 0;
  if (none >= LOOKS) return to(life, { kind: 'stopping' }, reasonOf(life));
  return now < phase.deadline ? { ...life, phase: { ...phase, none } } : atDeadline(life);
}

/** The driver has ended it: away, or to be started again. */
function stopDone(life: Life, why: string | undefined, at: Moment): Life {
  const { phase } = life;
  if (phase.kind === 'ending') return ended(life, life.why ?? why ?? 'ended', at);
  if (phase.kind !== 'stopping') return life;
  const next = to(life, { kind: 'stopped' }, why ?? life.why);
  return life.stop === undefined ? comeBack(next, at.now) : next;
}

function exited(life: Life, why: string, at: Moment): Life {
  const { kind } = life.phase;
  if (kind === 'pending' || RUNNING.has(kind)) return ended(life, why, at);
  return kind === 'resetting' || LEAVING.has(kind) ? to(life, { kind: 'stopping' }, why) : life;
}

/** What an instance's life is after an event. */
export function step(life: Life, event: LifeEvent, at: Moment): Life {
  switch (event.kind) {
    case 'ordered':
      return ordered(life, event, at.now);
    case 'started':
      return started(life, at.now);
    case 'start-failed':
      return life.phase.kind === 'pending' ? ended(life, event.why, at) : life;
    case 'exited':
      return exited(life, event.why, at);
    case 'probed':
      return event.well ? probedWell(life, event.times, at.now) : probedUnwell(life, event, at.now);
    case 'announced':
      return announced(life, event.revision, at.now);
    case 'acknowledged':
      return acknowledged(life, at.now);
    case 'hook-done':
      return life.phase.kind === 'hook' ? afterHook(life, life.phase.deadline, at.now) : life;
    case 'connections':
      return looked(life, event.open, at.now);
    case 'reset':
      return life.phase.kind === 'resetting' ? to(life, { kind: 'stopping' }, reasonOf(life)) : life;
    case 'stop-done':
      return stopDone(life, event.why, at);
    case 'removed':
      return life.phase.kind === 'stopped' && !life.assigned ? to(life, { kind: 'gone' }) : life;
    case 'tick':
      break;
  }
  return tick(life, at);
}
