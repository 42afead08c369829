/** Owns measuring how long connections take: small batches of every cell in turn, round by round, so that a drift of the machine hits all. */
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../paired.ts';
import type { Cell } from './cells.ts';
import { ROUNDS } from './options.ts';
import { ENTRY_PORT, INSTANCE_PORT, PLAIN_ADDRESS } from './services.ts';

/** Connections a batch, and batches of each kind that only warm up. */
const BATCH = 50;
const WARM_UP = 2;

/** Which connections. */
export type Way = 'last' | 'random' | 'local' | 'plain' | 'echo';

/** What they are, for tables. */
export const WAYS: Readonly<Record<Way, string>> = {
  last: 'last service',
  random: 'random service',
  local: 'local client, last service',
  plain: 'non-matching',
  echo: 'last service, connect + 1 byte',
};

/** All of them, in the order of tables. */
export const ALL_WAYS: readonly Way[] = ['last', 'random', 'local', 'plain', 'echo'];

/** Times in microseconds. */
export interface Times {
  readonly p50: number;
  readonly p99: number;
}

/** Numbers that look random and are the same in every run (mulberry32). */
function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function waysOf(cell: Cell): readonly Way[] {
  if (cell.instances !== undefined) return ['last'];
  // A proxy's connect is answered by the proxy: only with a byte there and back it has reached an instance.
  return cell.kind === 'terminates' ? ['last', 'random', 'echo'] : ALL_WAYS;
}

async function batch(cell: Cell, way: Way, random: () => number): Promise<readonly number[]> {
  const { services, lane, kind } = cell;
  const port = kind === 'forwards' || way === 'plain' ? INSTANCE_PORT : ENTRY_PORT;
  const addressOf = (at: number): string => {
    const service = services[at];
    const ip =
      kind === 'forwards'
        ? service?.instances[Math.floor(random() * service.instances.length)]
        : service?.vip;
    return ip ?? '';
  };
  const last = services.length - 1;
  const ips =
    way === 'plain'
      ? [PLAIN_ADDRESS]
      : way === 'random'
        ? Array.from({ length: BATCH }, () => addressOf(Math.floor(random() * services.length)))
        : [addressOf(last)];
  const probe = way === 'local' ? lane.local : lane.remote;
  return await probe.times({ what: way === 'echo' ? 'echo' : 'connect', ips, port, count: BATCH });
}

/** Times of each cell and way. */
export type Latencies = ReadonlyMap<Cell, ReadonlyMap<Way, Times>>;

const micros = (nanos: readonly number[], p: number): number => percentile(nanos, p) / 1000;

/** Measures all cells. */
export async function measureLatencies(cells: readonly Cell[]): Promise<Latencies> {
  const samples = new Map<Cell, Map<Way, number[]>>();
  for (const cell of cells) samples.set(cell, new Map(waysOf(cell).map((way) => [way, []])));
  const random = pseudoRandom(1);
  for (let round = -WARM_UP; round < ROUNDS; round += 1) {
    // Another one begins every round, so that nobody always follows the same neighbour.
    const start = Math.floor(random() * cells.length);
    for (const cell of [...cells.slice(start), ...cells.slice(0, start)]) {
      for (const [way, all] of samples.get(cell) ?? []) {
        const times = await batch(cell, way, random);
        if (round >= 0) all.push(...times);
      }
    }
    await sleep(0);
  }
  return new Map(
    [...samples].map(([cell, ways]) => [
      cell,
      new Map(
        [...ways].map(([way, values]): [Way, Times] => [
          way,
          { p50: micros(values, 0.5), p99: micros(values, 0.99) },
        ]),
      ),
    ]),
  );
}
