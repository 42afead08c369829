/** Owns timing whole commands in pairs: A B A B …, so that a drift of the machine's speed hits both; medians and the median ratio. */
import { spawn } from 'node:child_process';

/** A command: argv and what is added to its environment. */
export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
}

/** Medians in milliseconds, and the median of the ratios A ÷ B pair by pair. */
export interface PairedTimes {
  readonly aMs: number;
  readonly bMs: number;
  readonly ratio: number;
  readonly pairs: number;
}

/** Middle of the sorted values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The value below which the share `p` (0-1) of the values lies. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(p * sorted.length) - 1)] ?? Number.NaN;
}

/** Wall time of one run in milliseconds. Rejects if the command fails: a failing command's time means nothing. */
function runOnce({ argv, env }: Command): Promise<number> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0], argv.slice(1), {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env },
    });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(performance.now() - started);
      else reject(new Error(`${argv.join(' ')} exited with ${code}: ${stderr}`));
    });
  });
}

/** Runs A and B in turn, `pairs` times after one warm-up pair. */
export async function paired(a: Command, b: Command, pairs: number): Promise<PairedTimes> {
  const times: { a: number; b: number }[] = [];
  for (let index = -1; index < pairs; index += 1) {
    const pair = { a: await runOnce(a), b: await runOnce(b) };
    if (index >= 0) times.push(pair);
  }
  return {
    aMs: median(times.map((pair) => pair.a)),
    bMs: median(times.map((pair) => pair.b)),
    ratio: median(times.map((pair) => pair.a / pair.b)),
    pairs,
  };
}
