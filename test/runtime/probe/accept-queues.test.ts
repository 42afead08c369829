import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/host/clock.ts';
import { addListeners, openAcceptQueues } from '../../../src/runtime/probe/accept-queues.ts';
import { probe, type ProbeBounds } from '../../../src/runtime/probe/probe.ts';
import type { Probe } from '../../../src/model/template.ts';

const LISTENER = (port: string, waiting: string): string =>
  `   0: 0100007F:${port} 00000000:0000 0A 00000000:${waiting} 00:00000000 00000000  0 0 1 1 0 100 0 0 10 0`;
const CONNECTION = '   2: 0100007F:1F90 0100007F:9C53 01 00000000:00000005 03:00001582 00000000 0 0 0 3 0';

describe('queues of listeners', () => {
  it('are added up by port, up to the first connection', () => {
    const found = new Map<number, number>();
    const lines = [LISTENER('1F90', '00000002'), LISTENER('1F90', '0000000A'), LISTENER('0050', '00000000')];
    expect(addListeners(lines, found)).toBe(true);
    expect(addListeners([CONNECTION, LISTENER('0051', '00000001')], found)).toBe(false);
    expect([...found]).toEqual([
      [8_080, 12],
      [80, 0],
    ]);
  });

  it('count as taken when they are empty, shorter than before, or cannot be seen', async () => {
    const looks = [
      new Map([
        [1, 3],
        [2, 0],
        [3, 2],
      ]),
      new Map([
        [1, 3],
        [3, 1],
      ]),
      new Map([[1, 2]]),
    ];
    let at = 0;
    const seen: string[] = [];
    await new Promise<void>((resolve) => {
      const queues = openAcceptQueues(systemClock, (ports) => {
        seen.push([...ports].join());
        at += 1;
        return looks[at - 1] ?? new Map();
      });
      queues.watch(1, resolve);
      queues.watch(2, () => seen.push('taken 2'));
      queues.watch(3, () => seen.push('taken 3'));
      queues.watch(4, () => seen.push('taken 4'));
      queues.watch(5, () => seen.push('never'))();
    });
    expect(seen).toEqual(['1,2,3,4', 'taken 2', 'taken 4', '1,3', 'taken 3', '1']);
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
