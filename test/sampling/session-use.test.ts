import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProcessTimes } from '../../src/sampling/parse/process.ts';
import { bySession, sessionPages, sessionTicks } from '../../src/sampling/session-use.ts';

const times = (pid: number, fields: Partial<ProcessTimes> = {}): ProcessTimes => ({
  pid,
  parentPid: 1,
  session: 10,
  startTicks: 100,
  ownTicks: 0,
  waitedTicks: 0,
  residentPages: 5,
  ...fields,
});
const map = (...all: readonly ProcessTimes[]): ReadonlyMap<number, ProcessTimes> =>
  new Map(all.map((each) => [each.pid, each]));

describe('processes by session', () => {
  it('are those of the sessions that are asked for', () => {
    const all = [times(10), times(11, { startTicks: 120 }), times(20, { session: 20 })];
    const sessions = bySession(all, new Map([[10, 100]]));
    expect([...sessions.keys()]).toEqual([10]);
    expect(sessionPages(sessions.get(10) ?? new Map())).toBe(10);
  });

  it('are none if the number belongs to another session now, in whatever order they come', () => {
    const reused = [
      times(11, { startTicks: 900 }),
      times(10, { startTicks: 800 }),
      times(12, { startTicks: 900 }),
    ];
    expect(bySession(reused, new Map([[10, 100]])).size).toBe(0);
    expect(bySession(reused.toReversed(), new Map([[10, 100]])).size).toBe(0);
  });

  it('go on after their leader has ended', () => {
    expect(bySession([times(11, { startTicks: 120 })], new Map([[10, 100]])).get(10)?.size).toBe(1);
  });
});

describe('ticks of a session', () => {
  it('are those of old and new processes since the look before', () => {
    const before = map(times(10, { ownTicks: 50 }));
    const after = map(times(10, { ownTicks: 70 }), times(11, { ownTicks: 5, startTicks: 130 }));
    expect(sessionTicks(before, after)).toBe(25);
  });

  it('do not count the life of a child again when its parent waits for it', () => {
    const before = map(times(10), times(11, { parentPid: 10, ownTicks: 1_000 }));
    const after = map(times(10, { waitedTicks: 1_003 }));
    expect(sessionTicks(before, after)).toBe(3);
  });

  it('do not lose what others used when an orphan ends', () => {
    const before = map(times(10), times(11, { parentPid: 1, ownTicks: 1_000 }));
    const after = map(times(10, { ownTicks: 4, waitedTicks: 6 }));
    expect(sessionTicks(before, after)).toBe(10);
  });

  it('take a process of the same pid and another start as a new one', () => {
    const before = map(times(10), times(11, { ownTicks: 500 }));
    const after = map(times(10), times(11, { ownTicks: 2, startTicks: 300 }));
    expect(sessionTicks(before, after)).toBe(2);
  });

  it('are not known if a counter went back', () => {
    expect(sessionTicks(map(times(10, { ownTicks: 5 })), map(times(10, { ownTicks: 4 })))).toBeUndefined();
  });

  it('are never more than was really used, and all of it where parents wait, however children come and go', () => {
    const step = fc.constantFrom('work', 'fork', 'end');
    fc.assert(
      fc.property(fc.array(fc.array(step, { maxLength: 6 }), { maxLength: 8 }), (looks) => {
        let used = 0;
        let seen = 0;
        let next = 11;
        let parent = times(10);
        const children: ProcessTimes[] = [];
        let before = map(parent);
        for (const steps of looks) {
          for (const each of steps) {
            const last = children.pop();
            if (each === 'fork') {
              if (last !== undefined) children.push(last);
              children.push(times((next += 1), { parentPid: 10, startTicks: 100 + next }));
            } else if (last !== undefined && each === 'work') {
              children.push({ ...last, ownTicks: last.ownTicks + 3 });
              used += 3;
            } else if (last !== undefined)
              parent = { ...parent, waitedTicks: parent.waitedTicks + last.ownTicks };
          }
          const after = map(parent, ...children);
          seen += sessionTicks(before, after) ?? Number.NaN;
          before = after;
        }
        expect(seen).toBe(used);
      }),
    );
  });
});
