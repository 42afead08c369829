import { describe, expect, it } from 'vitest';
import { createProcessTable } from '../../src/sampling/process-table.ts';

/** A machine whose processes a test sets: pid → session, start, ticks. */
function createWorld() {
  const processes = new Map<number, readonly [session: number, start: number, ticks: number]>();
  const asked: number[] = [];
  const text = (path: string): string | undefined => {
    const pid = Number(path.split('/')[2]);
    asked.push(pid);
    const [session, start, ticks] = processes.get(pid) ?? [];
    if (session === undefined) return undefined;
    return `${pid} (x) S 1 1 ${session} 0 0 0 0 0 0 0 ${ticks} 0 0 0 20 0 1 0 ${start} 1 5 0`;
  };
  const table = createProcessTable({
    read: text,
    readOnce: text,
    list: () => ['self', ...[...processes.keys()].map(String)],
  });
  const look = (leaders: Readonly<Record<number, number>>): Readonly<Record<number, readonly number[]>> => {
    asked.length = 0;
    const asMap = new Map(Object.entries(leaders).map(([session, start]) => [Number(session), start]));
    return Object.fromEntries([...table.sessions(asMap)].map(([session, all]) => [session, [...all.keys()]]));
  };
  return { processes, asked, look };
}

describe('the table of processes', () => {
  it('finds those of sessions, new ones at once, and reads others again at every fifth look only', () => {
    const { processes, asked, look } = createWorld();
    processes.set(10, [10, 100, 5]).set(11, [10, 110, 1]).set(50, [50, 50, 9]);
    expect(look({ 10: 100 })).toEqual({ 10: [10, 11] });
    expect(asked).toEqual([10, 11, 50]);
    processes.set(12, [10, 120, 1]);
    expect(look({ 10: 100 })).toEqual({ 10: [10, 11, 12] });
    expect(asked).toEqual([10, 11, 12]);
    const whole = Array.from({ length: 10 }, () => {
      look({ 10: 100 });
      return asked.includes(50);
    });
    expect(whole.filter(Boolean)).toHaveLength(2);
  });

  it('looks at everything when a session is asked for that was not before', () => {
    const { processes, look } = createWorld();
    processes.set(10, [10, 100, 5]).set(20, [20, 200, 5]);
    look({ 10: 100 });
    expect(look({ 10: 100, 20: 200 })).toEqual({ 10: [10], 20: [20] });
  });

  it('leaves a session out once when a process of it had been overlooked', () => {
    const { processes, look } = createWorld();
    processes.set(10, [10, 100, 5]).set(50, [50, 50, 9]);
    look({ 10: 100 });
    processes.set(50, [10, 300, 400]);
    const looks = Array.from({ length: 6 }, () => look({ 10: 100 })[10]);
    expect(looks.filter((pids) => pids?.length === 1)).toHaveLength(4);
    expect(looks[4]).toBeUndefined();
    expect(looks[5]).toEqual([10, 50]);
  });

  it('does without a process that ended while it was looked at', () => {
    const { processes, look } = createWorld();
    processes.set(10, [10, 100, 5]);
    expect(look({ 10: 100, 30: 300 })).toEqual({ 10: [10] });
  });
});
