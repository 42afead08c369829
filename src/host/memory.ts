/**
 * Owns how much memory a process that runs for months takes beyond what it needs. Left alone V8 lets garbage grow to several times what
 * is used before it looks (an agent with 10,000 services: 400 MB after 20 changes, of which 90 MB are used), and keeps it for as long as it
 * is left in peace.
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from './clock.ts';

/** What the young generation may grow to, both halves together. Left alone it grows to 33 MB at the first work and stays there. */
const YOUNG_BYTES = 8 * 1024 * 1024;

/** Lets the young generation grow up to its bound: the only flag for that which V8 reads while it runs is the factor of its next growth. */
function boundYoung(): void {
  let mayGrow = true;
  const look = (): void => {
    const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
    const isSmall = (young?.space_size ?? 0) < YOUNG_BYTES;
    if (isSmall === mayGrow) return;
    mayGrow = isSmall;
    setFlagsFromString(`--semi-space-growth-factor=${mayGrow ? 2 : 1}`);
  };
  // It grows, and shrinks, in collections only.
  new PerformanceObserver(look).observe({ entryTypes: ['gc'] });
  look();
}

/** From now on collects garbage early and often, at some processor time; for the start of a process that stays. */
export function preferSmall(): void {
  // By a fifth, not to several times what is used. (`--optimize-for-size` keeps memory smaller still, and doubles the time of every repair.)
  setFlagsFromString('--heap-growing-percent=20');
  boundYoung();
}

/**
 * Collects garbage now; stops this process for about a millisecond a megabyte that is really used. The young generation, which work grows to
 * 33 MB, goes back to 1 MB only if little was allocated for 5 s before (V8's Heap::ReduceNewSpaceSize). Keeping it small while there is work
 * (`--semi-space-growth-factor=1`) takes nearly twice the processor time; `--max-semi-space-size` is not read any more once a process runs.
 */
function releaseMemory(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
}

/** So long after work that needed much memory it is given back: all of it only after 5 s without work. */
const RELEASE_AFTER_MS = 10_000;

/** What giving memory back needs. */
export interface ReleaserOptions {
  readonly clock: Pick<Clock, 'sleep'>;
  readonly signal: AbortSignal;
}

/** Gives memory back a while after it was called, once for all calls meanwhile; never after the signal. */
export function createReleaser({ clock, signal }: ReleaserOptions): () => void {
  let isWaiting = false;
  const release = async (): Promise<void> => {
    isWaiting = true;
    await clock.sleep(RELEASE_AFTER_MS, signal);
    isWaiting = false;
    if (!signal.aborted) releaseMemory();
  };
  return () => {
    if (!isWaiting) void release();
  };
}
