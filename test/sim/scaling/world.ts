/**
 * Owns the simulated service that algorithms of scaling are compared on: a fluid queue in steps of one second, instances that start for a while
 * and burn processor while they do, and measures with noise. The same load, seed for seed, for every algorithm.
 */
import { gaussian, seededRandom } from '../random.ts';

/** Requests a second of an instance at full load. */
export const CAPACITY = 20;
/** From the decision to the first answer. */
const START_SECONDS = 10;
/** An instance burns all it may for so long after its first answer. */
const BURN_SECONDS = 5;
const LEAST = 2;
const MOST = 30;
const FIRST = 5;
/** Requests that wait longer than this are delayed. */
const DELAYED_SECONDS = 0.5;
const NOISE = { load: 0.1, cpu: 0.03 };

/** How many requests a second come at each second. */
export interface Trace {
  readonly seconds: number;
  readonly rate: (second: number) => number;
}

/** The loads of notes on scaling, 3.2. */
export const TRACES = {
  'step × 3': { seconds: 2_400, rate: (t) => (t >= 300 && t < 900 ? 180 : 60) },
  spikes: { seconds: 2_400, rate: (t) => (t % 240 < 40 ? 180 : 60) },
  noise: { seconds: 2_400, rate: () => 100 },
  ramp: { seconds: 2_400, rate: (t) => Math.min(300, 40 + t * 0.3) },
} as const satisfies Record<string, Trace>;

/** One instance as an algorithm may see it. */
export interface SimInstance {
  /** Second of its first answer; in the future while it starts. */
  readonly readyAt: number;
  readonly isReady: boolean;
  /** Fraction that it used in the last second, as measured. */
  readonly cpu: number;
}

/** What an algorithm is told every second. */
export interface Observation {
  readonly second: number;
  readonly instances: readonly SimInstance[];
  /** Requests a second, and requests that wait, of the service. */
  readonly rate: number;
  readonly waiting: number;
}

/** An algorithm: the number of instances it wants now; undefined: as it is. It keeps its own memory. */
export type Algorithm = (now: Observation) => number | undefined;

/** What came of it. */
export interface Outcome {
  /** Share of requests that waited for more than half a second, 0-1. */
  readonly delayed: number;
  readonly meanInstances: number;
  readonly changes: number;
  /** Changes in the other direction than the one before. */
  readonly turns: number;
}

interface Tally {
  requests: number;
  delayed: number;
  instanceSeconds: number;
  changes: number;
  turns: number;
  direction: number;
}

/** One second of the queue: what is worked off of what came. */
function workOff(queue: number, arriving: number, ready: number) {
  const work = Math.min(queue + arriving, ready * CAPACITY);
  const wait = ready === 0 ? Infinity : queue / (ready * CAPACITY);
  return { queue: queue + arriving - work, wait, load: ready === 0 ? 0 : work / (ready * CAPACITY) };
}

/** The instances after a decision: new ones start, the newest leave first, as they hold the least. */
function resized(readyAt: readonly number[], wanted: number, second: number): readonly number[] {
  const count = Math.max(LEAST, Math.min(MOST, wanted));
  const kept = readyAt.toSorted((a, b) => a - b).slice(0, count);
  return [...kept, ...Array.from({ length: count - kept.length }, () => second + START_SECONDS)];
}

function countChange(tally: Tally, before: number, after: number): void {
  if (after === before) return;
  const direction = Math.sign(after - before);
  tally.changes += 1;
  if (tally.direction === -direction) tally.turns += 1;
  tally.direction = direction;
}

/** Runs one algorithm under one load. Equal arguments, equal outcome. */
export function simulate(trace: Trace, algorithm: Algorithm, seed: number): Outcome {
  const random = seededRandom(seed);
  const normal = (): number => gaussian(random);
  const tally: Tally = { requests: 0, delayed: 0, instanceSeconds: 0, changes: 0, turns: 0, direction: 0 };
  let readyAt: readonly number[] = Array.from({ length: FIRST }, () => -1_000);
  let queue = 0;
  for (let second = 0; second < trace.seconds; second += 1) {
    const rate = Math.max(0, trace.rate(second) * (1 + NOISE.load * normal()));
    const ready = readyAt.filter((at) => at <= second).length;
    const worked = workOff(queue, rate, ready);
    queue = worked.queue;
    tally.requests += rate;
    if (worked.wait > DELAYED_SECONDS) tally.delayed += rate;
    tally.instanceSeconds += readyAt.length;
    const instances = readyAt.map((at): SimInstance => {
      const burns = at <= second && second - at < BURN_SECONDS;
      const cpu = burns ? 1 : Math.min(1, Math.max(0, worked.load + NOISE.cpu * normal()));
      return { readyAt: at, isReady: at <= second, cpu };
    });
    const wanted = algorithm({ second, instances, rate, waiting: queue }) ?? readyAt.length;
    const next = resized(readyAt, wanted, second);
    countChange(tally, readyAt.length, next.length);
    readyAt = next;
  }
  const { requests, delayed, instanceSeconds, changes, turns } = tally;
  return { delayed: delayed / requests, meanInstances: instanceSeconds / trace.seconds, changes, turns };
}
