import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/host/clock.ts';
import type { Address } from '../../../src/model/address.ts';
import { openAcceptQueues } from '../../../src/runtime/probe/accept-queues.ts';
import { probe, type ProbeBounds } from '../../../src/runtime/probe/probe.ts';
import type { Probe } from '../../../src/model/template.ts';

const at = (port: number): Address => ({ ip: '10.0.0.1', port });

describe('queues of listeners', () => {
  it('count as taken when they are empty, shorter than before, or cannot be seen', async () => {
    const looks = [{ 1: 3, 2: 0, 3: 2 }, { 1: 3, 3: 1 }, { 1: 2 }] as readonly Record<number, number>[];
    let looked = 0;
    const seen: string[] = [];
    await new Promise<void>((resolve) => {
      const queues = openAcceptQueues(systemClock, () => {
        const look = looks[looked];
        looked += 1;
        seen.push(`look ${looked}`);
        return ({ port }) => look?.[port];
      });
      queues.watch(at(1), resolve);
      queues.watch(at(2), () => seen.push('taken 2'));
      queues.watch(at(3), () => seen.push('taken 3'));
      queues.watch(at(4), () => seen.push('taken 4'));
      queues.watch(at(5), () => seen.push('never'))();
    });
    expect(seen).toEqual(['look 1', 'taken 2', 'taken 4', 'look 2', 'taken 3', 'look 3']);
  });

  it('are known to be empty only where a listener is seen, by one look for all that ask in its time', () => {
    let now = 0;
    let looks = 0;
    const clock = { sleep: systemClock.sleep, monotonicMs: () => now };
    const queues = openAcceptQueues(clock, () => {
      looks += 1;
      return ({ port }) =>
        new Map([
          [1, 0],
          [2, 4],
        ]).get(port);
    });
    const asked = (): readonly boolean[] => [1, 2, 3].map((port) => queues.areEmpty(at(port), 500));
    expect(asked()).toEqual([true, false, false]);
    now = 500;
    expect(asked()).toEqual([true, false, false]);
    expect(looks).toBe(1);
    now = 501;
    expect(queues.areEmpty(at(1), 500)).toBe(true);
    expect(looks).toBe(2);
  });
});

/** Accepts, says nothing, and keeps what it has accepted open; ends with the first error of a connection. */
const MUTE = `require('net').createServer({ allowHalfOpen: true }, (socket) => socket.resume()).listen(0, process.argv[1], function () { console.log(this.address().port) })`;

describe('the tcp probe without words', () => {
  const children: ChildProcess[] = [];
  afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')));
  const queues = openAcceptQueues(systemClock);
  const asked: Probe = {
    kind: 'tcp',
    intervalSeconds: 1,
    timeoutSeconds: 1,
    successes: 1,
    failures: 1,
    startSeconds: 1,
  };
  const ask = (ip: string, port: number, timeoutMs: number): ReturnType<typeof probe> => {
    const bounds: ProbeBounds = { timeoutMs, signal: new AbortController().signal, queues };
    return probe(asked, { ip, port }, bounds);
  };
  const start = async (ip: string): Promise<{ readonly child: ChildProcess; readonly port: number }> => {
    const child = spawn(process.execPath, ['-e', MUTE, ip], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    const [said] = await once(child.stdout, 'data');
    return { child, port: Number(String(said)) };
  };

  it.each(['127.0.0.1', '0.0.0.0'])(
    'is content with a program at %s that takes the connection',
    async (ip) => {
      const { port } = await start(ip);
      expect(await ask('127.0.0.1', port, 5_000)).toEqual({ well: true });
    },
  );

  it('is not content with the kernel taking it in place of a program that hangs', async () => {
    const { child, port } = await start('127.0.0.1');
    child.kill('SIGSTOP');
    expect(await ask('127.0.0.1', port, 500)).toEqual({
      well: false,
      why: 'no answer within 500 ms: connections wait to be taken by its program',
    });
    child.kill('SIGCONT');
    expect(await ask('127.0.0.1', port, 5_000)).toEqual({ well: true });
  });

  it('does no harm to a program that accepts late and dies of a connection that was reset', async () => {
    const { child, port } = await start('127.0.0.1');
    child.kill('SIGSTOP');
    await ask('127.0.0.1', port, 200);
    child.kill('SIGCONT');
    expect(await ask('127.0.0.1', port, 5_000)).toEqual({ well: true });
    expect(child.exitCode).toBeNull();
  });
});
