/** Owns running the load generator as a child process inside a network namespace. */
import { SluiceError } from '../../errors.ts';
import type { Netns } from '../../host/netns.ts';
import { waitUntil } from '../../host/wait.ts';
import { startChild } from '../child.ts';
import type { LoadResult, LoadSpec } from './outcome.ts';
import { STARTED } from './worker.ts';

/** Where and with what to generate load. */
export interface LoadPlace {
  /** Command line of a program that calls `runLoadWorker`. */
  readonly worker: readonly string[];
  /** Default: this process's own network. */
  readonly ns?: Netns | undefined;
}

/** A load run under way in its own process. */
export interface LoadRun {
  /** Resolves when the run ends by itself or by `stop`. */
  readonly result: Promise<LoadResult>;
  /** Ends the run now; attempts under way are still awaited. */
  readonly stop: () => Promise<LoadResult>;
}

/** A busy machine needs seconds to start a program. */
const START_MS = 60_000;

/**
 * Starts a load run; it is under way when this resolves.
 * @throws SluiceError (from `result`) `failed` if the worker does not deliver
 */
export async function startLoad(spec: LoadSpec, place: LoadPlace): Promise<LoadRun> {
  const child = await startChild({ argv: place.worker, ns: place.ns, input: JSON.stringify(spec) });
  const result = child.exited.then(({ exitCode }) => {
    if (exitCode !== 0) {
      throw new SluiceError('failed', 'the load generator failed', { why: child.stderr().slice(-1000) });
    }
    return parseResult(child.stdout());
  });
  result.catch(() => undefined); // whoever awaits it gets the error
  await waitUntil(() => child.stderr().includes(STARTED) || !child.running(), {
    what: 'the load generator to begin',
    timeoutMs: START_MS,
  });
  return {
    result,
    stop: async () => {
      child.signal('SIGTERM');
      return await result;
    },
  };
}

function parseResult(text: string): LoadResult {
  const result: unknown = JSON.parse(text);
  if (isResult(result)) return result;
  throw new SluiceError('failed', 'the load generator printed no result', { why: text.slice(0, 500) });
}

function isResult(value: unknown): value is LoadResult {
  return typeof value === 'object' && value !== null && 'outcomes' in value && 'attempts' in value;
}
