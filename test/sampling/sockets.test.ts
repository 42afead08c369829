import { describe, expect, it } from 'vitest';
import type { OpenPipe } from '../../src/host/pipe.ts';
import { createSocketCounter } from '../../src/sampling/sockets.ts';
import { createVirtualClock, settle } from '../harness/virtual-clock.ts';

const PORTS = { lowest: 80, highest: 90 };
const WHOLE = 'c 0a000001 80 2\nend\n';

/** A program that answers as told: pieces of a text, an end, or nothing. */
function createWorld(answer: (question: string, start: number) => readonly string[] | 'end') {
  const clock = createVirtualClock();
  const killed: number[] = [];
  let starts = 0;
  const openPipe: OpenPipe = () => {
    const start = (starts += 1);
    const told: { say?: (text: string) => void; end?: () => void } = {};
    return {
      pid: start,
      write: (question) => {
        const said = answer(question, start);
        if (said === 'end') setImmediate(() => told.end?.());
        else for (const piece of said) setImmediate(() => told.say?.(piece));
      },
      onStderr: (listener) => void (told.say = listener),
      onEnd: (listener) => void (told.end = listener),
      kill: () => void killed.push(start),
    };
  };
  const counter = createSocketCounter(openPipe, clock);
  const ask = async (ms = 5_000) => {
    const answered = counter.count(PORTS);
    await settle();
    await settle();
    await clock.advance(ms);
    return answered;
  };
  return { clock, counter, ask, killed, starts: () => starts };
}

describe('asking for counts of sockets', () => {
  it('is answered by one program again and again, in whatever pieces', async () => {
    const { ask, starts } = createWorld((question) => [
      question === '80 90\n' ? 'c 0a0000' : '',
      '01 80 2\nend\n',
    ]);
    for (let times = 0; times < 3; times += 1) {
      expect((await ask(0)).sockets?.established.get('0a000001')?.get(80)).toBe(2);
    }
    expect(starts()).toBe(1);
  });

  it('gives up on a program that hangs, and tries another one after a pause', async () => {
    const { ask, starts, killed } = createWorld((_question, start) => (start === 1 ? [] : [WHOLE]));
    expect(await ask()).toEqual({ why: 'no answer' });
    expect(killed).toEqual([1]);
    expect((await ask()).sockets?.established.size).toBe(1);
    expect(starts()).toBe(2);
  });

  it('says what the program says, and asks ever more seldom', async () => {
    const { ask, starts } = createWorld(() => ['failed send: Operation not permitted\n']);
    for (let times = 0; times < 60; times += 1) {
      expect(await ask(2_000)).toEqual({ why: 'failed send: Operation not permitted' });
    }
    expect(starts()).toBeGreaterThan(3);
    expect(starts()).toBeLessThan(10);
  });

  it('says that there is no perl', async () => {
    const { ask } = createWorld(() => 'end');
    expect(await ask()).toEqual({ why: 'perl cannot be run' });
  });

  it('ends the program when it is closed', async () => {
    const { ask, counter, killed } = createWorld(() => [WHOLE]);
    await ask(0);
    counter.close();
    expect(killed).toEqual([1]);
  });
});
