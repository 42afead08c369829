import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Life, type LifeEvent, newLife } from '../../../src/agent/instances/life.ts';
import { dueAt, jobOf, resume, shifted, stateOf } from '../../../src/agent/instances/phase-views.ts';
import { step } from '../../../src/agent/instances/step.ts';
import { STOP, TIMING } from './lives.ts';

/** A world of one instance: its life, and whether it has a process. Every way to act keeps the promises of drivers. */
interface World {
  life: Life;
  processes: number;
  now: number;
  /** Good answers since it was started, or since the last bad round. */
  goodInARow: number;
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

const send = (world: World, event: LifeEvent): void => {
  const before = stateOf(world.life);
  world.life = step(world.life, event, { now: world.now, random: 0.5 });
  const after = stateOf(world.life);
  if (after === 'ready' && before !== 'ready') {
    must(world.processes === 1, 'ready without a process');
    must(world.goodInARow >= TIMING.successes, 'ready too early');
  }
  must(world.life.stop === undefined || after !== 'ready', 'ready after its stop');
  must(after !== 'stopped' || world.processes === 0, 'stopped with a process');
};

/** Does the job of the phase, well or badly. */
function work(world: World, luck: number): void {
  const { life } = world;
  const isLucky = luck > 0.3;
  switch (jobOf(life)) {
    case 'start':
      must(world.processes === 0, 'a second process');
      if (isLucky) {
        world.processes += 1;
        world.goodInARow = 0;
        return send(world, { kind: 'started' });
      }
      return send(world, { kind: 'start-failed', why: 'no port' });
    case 'probe':
      world.goodInARow = isLucky ? world.goodInARow + 1 : 0;
      return send(world, { kind: 'probed', well: isLucky, times: luck < 0.1 ? 3 : 1 });
    case 'stop':
      world.processes = 0;
      return send(world, { kind: 'stop-done' });
    case 'announce':
      return send(world, { kind: 'announced', revision: 5 });
    case 'acknowledge':
      return send(world, { kind: 'acknowledged' });
    case 'hook':
      return send(world, { kind: 'hook-done' });
    case 'look':
      return send(world, { kind: 'connections', open: isLucky ? 0 : 1 });
    case 'reset':
      return send(world, { kind: 'reset' });
    case 'remove':
      return send(world, { kind: 'removed' });
    case undefined:
      return undefined;
  }
}

/** Answers that come at any time, too late or not: none of them is about a process that there is not. */
const STRAYS: readonly LifeEvent[] = [
  { kind: 'announced', revision: 3 },
  { kind: 'acknowledged' },
  { kind: 'hook-done' },
  { kind: 'connections', open: 0 },
  { kind: 'reset' },
  { kind: 'removed' },
  { kind: 'tick' },
];

type Act =
  | { readonly act: 'work' | 'wait' | 'stray'; readonly luck: number }
  | { readonly act: 'exit' | 'stop' | 'take-back' | 'unassign' | 'kill-agent' };

function perform(world: World, act: Act): void {
  switch (act.act) {
    case 'work':
      return work(world, act.luck);
    case 'wait':
      world.now += act.luck * 15_000;
      return send(world, { kind: 'tick' });
    case 'stray':
      return send(world, STRAYS[Math.floor(act.luck * STRAYS.length)] ?? { kind: 'tick' });
    case 'exit':
      if (world.processes === 0) return undefined;
      world.processes = 0;
      world.goodInARow = 0;
      return send(world, { kind: 'exited', why: 'exit code 1' });
    case 'stop':
      return send(world, { kind: 'ordered', assigned: world.life.assigned, stop: STOP });
    case 'take-back':
      return send(world, { kind: 'ordered', assigned: true });
    case 'unassign':
      return send(world, { kind: 'ordered', assigned: false });
    case 'kill-agent': {
      const found =
        world.processes > 0 ? ({ kind: 'running' } as const) : ({ kind: 'exited', why: 'x' } as const);
      const moved = shifted(world.life, 1_000);
      world.now += 1_000;
      world.life = resume(moved, found, { now: world.now, random: 0.5 });
      return undefined;
    }
  }
}

const acts: fc.Arbitrary<readonly Act[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        act: fc.constant('work' as const),
        luck: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        act: fc.constantFrom('wait' as const, 'stray' as const),
        luck: fc.double({ min: 0, max: 0.999, noNaN: true }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        act: fc.constantFrom(
          'exit' as const,
          'stop' as const,
          'take-back' as const,
          'unassign' as const,
          'kill-agent' as const,
        ),
      }),
    },
  ),
  { maxLength: 120 },
);

const fresh = (): World => ({ life: newLife(TIMING), processes: 0, now: 0, goodInARow: 0 });

/** A sequence out of 2,000 for which this does not hold, told for people; undefined if there is none. */
function counterexample(holds: (sequence: readonly Act[]) => void, seed: number): string | undefined {
  const report = fc.check(fc.property(acts, holds), { numRuns: 2_000, seed });
  return report.failed ? fc.defaultReportMessage(report) : undefined;
}

describe('any sequence of events', () => {
  it('never has two processes of an instance, makes none ready that is not, and none ready that shall stop', () => {
    const found = counterexample((sequence) => {
      const world = fresh();
      for (const act of sequence) perform(world, act);
    }, 4);
    expect(found).toBeUndefined();
  });

  it('comes to an end: without its assignment nothing is left of it, whatever came before', () => {
    const found = counterexample((sequence) => {
      const world = fresh();
      for (const act of sequence) perform(world, act);
      send(world, { kind: 'ordered', assigned: false });
      for (let turn = 0; turn < 50 && world.life.phase.kind !== 'gone'; turn += 1) {
        if (jobOf(world.life) === undefined) world.now = dueAt(world.life) ?? world.now;
        perform(world, { act: jobOf(world.life) === undefined ? 'wait' : 'work', luck: 0.9 });
      }
      must(world.life.phase.kind === 'gone' && world.processes === 0, `left in ${world.life.phase.kind}`);
    }, 5);
    expect(found).toBeUndefined();
  });

  it('comes to ready: with its assignment and a program that is well it serves again, whatever came before', () => {
    const found = counterexample((sequence) => {
      const world = fresh();
      for (const act of sequence) perform(world, act);
      if (world.life.phase.kind === 'gone') return;
      send(world, { kind: 'ordered', assigned: true });
      for (let turn = 0; turn < 60 && stateOf(world.life) !== 'ready'; turn += 1) {
        if (jobOf(world.life) === undefined) {
          world.now = dueAt(world.life) ?? world.now;
          send(world, { kind: 'tick' });
        } else work(world, 0.9);
      }
      must(stateOf(world.life) === 'ready', `left in ${world.life.phase.kind}`);
    }, 6);
    expect(found).toBeUndefined();
  });
});
