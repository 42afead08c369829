/** Owns what a contender is: something that spreads connections to entries over instances, on the node of a lane. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Exec, ExecResult } from '../../../src/host/exec.ts';
import { leanExec } from '../../../src/host/lean-exec.ts';
import type { BenchService } from './services.ts';
import type { Lane } from './world.ts';

const PEAK = fileURLToPath(new URL('peak.pl', import.meta.url));

/** What loading everything took. */
export interface LoadCost {
  readonly ms: number;
  /** Largest resident memory of a program that wrote to the kernel, MiB. */
  readonly peakMb: number;
  /** How it differs from what one would do, or what of it went where. */
  readonly note?: string | undefined;
}

/** A contender that serves. Times are milliseconds of one act. */
export interface Serving {
  readonly load: LoadCost;
  /** Change number `n` ≥ 1 of service `at`: one weight, or one instance where there are no weights. The bare transaction. */
  readonly change?: (at: number, n: number) => Promise<number>;
  /** The same through everything that the product does; where there is no more than the transaction, none. */
  readonly changeWhole?: (at: number, n: number) => Promise<number>;
  /** Changes these services in one transaction. */
  readonly changeMany?: (ats: readonly number[], n: number) => Promise<number>;
  /** A service that was not there. */
  readonly add?: (service: BenchService) => Promise<number>;
  /** Reads back all that is installed. */
  readonly readBack?: () => Promise<number>;
}

/** Starts serving on a lane that nothing else is on. */
export type Contender = (lane: Lane, services: readonly BenchService[]) => Promise<Serving>;

/** Milliseconds of an act. */
export async function timed(act: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await act();
  return performance.now() - started;
}

/** Runs programs on a node. */
export interface NodeExec {
  readonly exec: Exec;
  /** Runs `act`, in which every program that is run is measured. @returns the largest peak, MiB */
  readonly peakOf: (act: () => Promise<unknown>) => Promise<number>;
}

/**
 * Programs on the node of a lane, as lean as the agent's.
 * @param env added to each program's environment
 */
export function nodeExec(lane: Lane, env: Readonly<Record<string, string>> = {}): NodeExec {
  let peakFile: string | undefined;
  return {
    exec: async (program, args, options = {}) => {
      const measured = peakFile === undefined ? [] : ['perl', PEAK, peakFile];
      const inside = ['-t', String(lane.node.pid), '-n', '--', ...measured, program, ...args];
      return await leanExec('nsenter', inside, { ...options, env: { ...env, ...options.env } });
    },
    peakOf: async (act) => {
      peakFile = path.join(lane.folder, 'peaks');
      try {
        await act();
        const peaks = (await readFile(peakFile, 'utf8')).trim().split('\n').map(Number);
        return Math.max(...peaks) / 1024;
      } finally {
        peakFile = undefined;
      }
    },
  };
}

/** Runs a program that must succeed. */
export async function must(run: Promise<ExecResult>): Promise<ExecResult> {
  const result = await run;
  if (result.exitCode !== 0) throw new Error(`exit ${result.exitCode}: ${result.stderr.slice(0, 500)}`);
  return result;
}
