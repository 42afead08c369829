import { describe, expect, it } from 'vitest';
import type { Life, LifeEvent, Phase } from '../../../src/agent/instances/life.ts';
import { ACKNOWLEDGE_MS, step, UNWELL_MS } from '../../../src/agent/instances/step.ts';
import { lifeIn, STOP, stoppingIn, TIMING } from './lives.ts';

const NOW = 1_000_000;
const at = { now: NOW, random: 0.5 };
const next = (life: Life, event: LifeEvent): Life => step(life, event, at);

const PENDING: Phase = { kind: 'pending' };
const STARTING: Phase = { kind: 'starting', until: NOW + 10_000, well: 0 };
const READY: Phase = { kind: 'ready', since: NOW - 5_000, unwell: 0 };
const UNWELL: Phase = { kind: 'unwell', until: NOW + 10_000, well: 0 };
const FAILED: Phase = { kind: 'failed', until: NOW + 1_000, loop: false };
const ACKNOWLEDGING: Phase = {
  kind: 'acknowledging',
  revision: 7,
  until: NOW + 5_000,
  deadline: NOW + 20_000,
};
const HOOK: Phase = { kind: 'hook', deadline: NOW + 20_000 };
const CONNECTIONS: Phase = { kind: 'connections', deadline: NOW + 20_000, none: 0 };
const well = (times = 1): LifeEvent => ({ kind: 'probed', well: true, times });
const bad = (times = 1): LifeEvent => ({ kind: 'probed', well: false, times, why: 'HTTP 503' });
const ordered = (life: Life, change: Partial<Extract<LifeEvent, { kind: 'ordered' }>>): Life =>
  next(life, { kind: 'ordered', assigned: true, ...change });

describe('an instance that starts', () => {
  it('is starting once its process runs, with the start period before it', () => {
    expect(next(lifeIn(PENDING), { kind: 'started' }).phase).toEqual(STARTING);
  });

  it('is ready after as many good answers in a row as its probe asks for, and not before', () => {
    const once = next(lifeIn(STARTING), well());
    expect(once.phase).toMatchObject({ kind: 'starting', well: 1 });
    expect(next(once, well()).phase).toEqual({ kind: 'ready', since: NOW, unwell: 0 });
  });

  it('begins to count anew after a bad answer, and says what was bad', () => {
    const life = next(next(lifeIn(STARTING), well()), bad());
    expect(life).toMatchObject({ phase: { kind: 'starting', well: 0 }, why: 'HTTP 503' });
  });

  it('is ended if it is not ready when its start period is over, and not earlier', () => {
    const life = next(lifeIn(STARTING), bad());
    expect(step(life, { kind: 'tick' }, { now: NOW + 9_999, random: 0 })).toBe(life);
    expect(step(life, { kind: 'tick' }, { now: NOW + 10_000, random: 0 })).toMatchObject({
      phase: { kind: 'ending' },
      why: 'not ready within 10s: HTTP 503',
    });
  });

  it('fails with the reason if it cannot be started', () => {
    const life = next(lifeIn(PENDING), { kind: 'start-failed', why: 'not allowed by the policy' });
    expect(life).toMatchObject({ phase: { kind: 'failed' }, why: 'not allowed by the policy' });
  });
});

describe('a ready instance', () => {
  it('stays ready until so many bad answers came in a row', () => {
    const twice = next(next(lifeIn(READY), bad()), bad());
    expect(twice.phase).toMatchObject({ kind: 'ready', unwell: 2 });
    expect(next(twice, well()).phase).toMatchObject({ kind: 'ready', unwell: 0 });
    expect(next(twice, bad())).toMatchObject({
      phase: { kind: 'unwell', until: NOW + UNWELL_MS, well: 0 },
      why: 'HTTP 503',
    });
  });

  it('is unwell at once after one round of asks of which none was answered', () => {
    expect(next(lifeIn(READY), bad(3)).phase.kind).toBe('unwell');
  });

  it('does not change with a good answer, so that nothing is written', () => {
    const life = lifeIn(READY);
    expect(next(life, well())).toBe(life);
  });

  it('is ready again after enough good answers, and is ended if they do not come', () => {
    const life = lifeIn(UNWELL, { why: 'timeout' });
    expect(next(next(life, well()), well()).phase.kind).toBe('ready');
    const ending = step(life, { kind: 'tick' }, { now: NOW + 10_000, random: 0 });
    expect(ending).toMatchObject({ phase: { kind: 'ending' }, why: 'did not get well again: timeout' });
  });

  it('waits for its restart when it ended', () => {
    const life = next(lifeIn(READY), { kind: 'exited', why: 'exit code 1' });
    expect(life).toMatchObject({ phase: { kind: 'failed', loop: false }, why: 'exit code 1', ends: [NOW] });
  });
});

describe('a restart', () => {
  it('comes when its pause is over, and is counted', () => {
    const life = lifeIn(FAILED, { why: 'exit code 1' });
    expect(next(life, { kind: 'tick' })).toBe(life);
    const later = step(life, { kind: 'tick' }, { now: NOW + 1_000, random: 0 });
    expect(later).toMatchObject({ phase: PENDING, restarts: 1, why: 'exit code 1' });
  });

  it('comes after one that was not ready in time was ended', () => {
    const life = next(lifeIn({ kind: 'ending' }, { why: 'not ready within 10s' }), { kind: 'stop-done' });
    expect(life).toMatchObject({ phase: { kind: 'failed' }, why: 'not ready within 10s', ends: [NOW] });
  });
});

describe('a stop without loss', () => {
  it.each([
    ['starting', STARTING, 'announcing'],
    ['ready', READY, 'announcing'],
    ['unwell', UNWELL, 'announcing'],
    ['failed', FAILED, 'stopping'],
    ['pending', PENDING, 'pending'],
    ['ending', { kind: 'ending' } as const, 'ending'],
    ['connections', CONNECTIONS, 'connections'],
  ])('goes from %s the way that its process asks for', (_, phase, kind) => {
    const life = ordered(lifeIn(phase), { stop: STOP });
    expect(life.phase.kind).toBe(kind);
    expect(life.stop).toEqual(STOP);
  });

  it('waits for the acknowledgement of the revision that draining was written at, at most five seconds', () => {
    const life = next(stoppingIn({ kind: 'announcing' }), { kind: 'announced', revision: 7 });
    const until = NOW + ACKNOWLEDGE_MS;
    expect(life.phase).toEqual({ kind: 'acknowledging', revision: 7, until, deadline: NOW + 20_000 });
    expect(next(life, { kind: 'acknowledged' }).phase).toEqual(HOOK);
    expect(step(life, { kind: 'tick' }, { now: until, random: 0 }).phase.kind).toBe('hook');
  });

  it('runs no hook where there is none', () => {
    const life = stoppingIn(ACKNOWLEDGING, { timing: { ...TIMING, hasHook: false } });
    expect(next(life, { kind: 'acknowledged' }).phase).toEqual(CONNECTIONS);
  });

  it('ends the process after two looks in a row without a connection', () => {
    const life = next(stoppingIn(HOOK), { kind: 'hook-done' });
    expect(life.phase).toEqual(CONNECTIONS);
    const one = next(life, { kind: 'connections', open: 0 });
    expect(one.phase.kind).toBe('connections');
    expect(next(one, { kind: 'connections', open: 3 }).phase).toMatchObject({ none: 0 });
    expect(next(one, { kind: 'connections', open: 0 }).phase.kind).toBe('stopping');
  });

  it.each([
    ['leave', 'stopping'],
    ['reset', 'resetting'],
  ] as const)('with %s goes to %s at the deadline', (onDeadline, kind) => {
    const life = stoppingIn(CONNECTIONS, { stop: { ...STOP, onDeadline } });
    expect(step(life, { kind: 'tick' }, { now: NOW + 20_000, random: 0 }).phase.kind).toBe(kind);
    const late = next(stoppingIn({ kind: 'hook', deadline: NOW }, { stop: life.stop }), {
      kind: 'hook-done',
    });
    expect(late.phase.kind).toBe(kind);
  });

  it('goes to the end of its process if that ended by itself', () => {
    for (const phase of [ACKNOWLEDGING, HOOK, CONNECTIONS]) {
      expect(next(stoppingIn(phase), { kind: 'exited', why: 'exit code 0' }).phase.kind).toBe('stopping');
    }
  });

  it('is stopped with the reason of the order, and gone when its assignment is', () => {
    const life = next(stoppingIn({ kind: 'stopping' }, { why: STOP.reason }), { kind: 'stop-done' });
    expect(life).toMatchObject({ phase: { kind: 'stopped' }, why: STOP.reason });
    expect(next(life, { kind: 'removed' })).toBe(life);
    const away = ordered(life, { assigned: false });
    expect(away.phase.kind).toBe('stopped');
    expect(next(away, { kind: 'removed' }).phase.kind).toBe('gone');
  });

  it('is done to an instance whose assignment is gone', () => {
    const life = ordered(lifeIn(READY), { assigned: false });
    expect(life).toMatchObject({ phase: { kind: 'announcing' }, why: 'its assignment is gone' });
  });

  it('that is taken back lets it be asked again, and starts it if it is too late for that', () => {
    for (const phase of [{ kind: 'announcing' } as const, ACKNOWLEDGING, HOOK, CONNECTIONS]) {
      expect(ordered(stoppingIn(phase), {}).phase).toEqual(STARTING);
    }
    expect(ordered(stoppingIn({ kind: 'stopped' }), {}).phase).toEqual(PENDING);
    const stopping = ordered(stoppingIn({ kind: 'stopping' }), {});
    expect(next(stopping, { kind: 'stop-done' })).toMatchObject({ phase: PENDING, ends: [] });
  });

  it('ordered while it starts is done as soon as that is known', () => {
    const life = ordered(lifeIn(PENDING), { stop: STOP });
    expect(next(life, { kind: 'started' }).phase.kind).toBe('announcing');
    expect(next(life, { kind: 'start-failed', why: 'no port' }).phase.kind).toBe('stopping');
  });
});

describe('an answer that comes too late', () => {
  const stopped = stoppingIn({ kind: 'stopped' });
  it.each([
    { kind: 'started' },
    { kind: 'start-failed', why: 'x' },
    { kind: 'exited', why: 'x' },
    { kind: 'probed', well: true, times: 9 },
    { kind: 'probed', well: false, times: 9 },
    { kind: 'announced', revision: 1 },
    { kind: 'acknowledged' },
    { kind: 'hook-done' },
    { kind: 'connections', open: 0 },
    { kind: 'reset' },
    { kind: 'stop-done' },
    { kind: 'tick' },
  ] satisfies LifeEvent[])('changes nothing: $kind', (event) => {
    expect(next(stopped, event)).toBe(stopped);
  });
});
