/** Owns talking to the measuring client, probe.pl: one process in a namespace, one order at a time. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Netns } from '../../../src/host/netns.ts';

const PROGRAM = fileURLToPath(new URL('probe.pl', import.meta.url));

/** A client that measures. */
export interface Probe {
  /** Nanoseconds of each of `count` connects, to the addresses in turn; `echo`: with one byte there and back. */
  readonly times: (order: TimesOrder) => Promise<readonly number[]>;
  /** Connections by the address of the instance that answered. */
  readonly serve: (ip: string, port: number, count: number) => Promise<ReadonlyMap<string, number>>;
  /** Connections with one byte by `processes` at once in `ms` milliseconds. */
  readonly rate: (
    ips: readonly string[],
    port: number,
    load: { readonly ms: number; readonly processes: number },
  ) => Promise<number>;
  readonly close: () => void;
}

/** One batch of timed connections. */
export interface TimesOrder {
  readonly what: 'connect' | 'echo';
  readonly ips: readonly string[];
  readonly port: number;
  readonly count: number;
}

/** Starts a program inside a namespace; it dies with this process. */
export function spawnInside(
  netns: Netns,
  argv: readonly string[],
): ChildProcessByStdio<Writable, Readable, null> {
  const [file = '', ...args] = netns.enter(argv);
  return spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
}

/**
 * Starts a client.
 * @param cpu the core that it keeps to, so that the scheduler's choices are no part of what is measured; undefined: any
 */
export function openProbe(netns: Netns, cpu?: number): Probe {
  const pinned = cpu === undefined ? [] : ['taskset', '-c', String(cpu)];
  const child = spawnInside(netns, [...pinned, 'perl', PROGRAM]);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (order: string): Promise<string> => {
    child.stdin.write(`${order}\n`);
    const next = await lines.next();
    if (next.done === true) throw new Error(`the client ended at: ${order.slice(0, 80)}`);
    if (next.value.startsWith('error')) throw new Error(`${next.value}: ${order.slice(0, 80)}`);
    return next.value;
  };
  return {
    times: async ({ what, ips, port, count }) => {
      const answer = await ask(`${what} ${port} ${count} ${ips.join(',')}`);
      return answer.split(' ').map(Number);
    },
    serve: async (ip, port, count) => {
      const answer = await ask(`serve ${port} ${count} ${ip}`);
      const pairs = answer.split(' ').map((pair): [string, number] => {
        const [instance = '', connections] = pair.split('=');
        return [instance, Number(connections)];
      });
      return new Map(pairs);
    },
    rate: async (ips, port, { ms, processes }) =>
      Number(await ask(`rate ${port} ${ms} ${processes} ${ips.join(',')}`)),
    close: () => {
      child.stdin.end();
    },
  };
}
