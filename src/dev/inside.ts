/** Owns the inner half of `sluice dev`: the cluster in this sandbox, its burst, and staying up. */
import { spawn } from 'node:child_process';
import { SluiceError } from '../errors.ts';
import { type DevCluster, startDevCluster } from './cluster.ts';
import type { DevPrograms } from './options.ts';
import { writeWhereabouts } from './whereabouts.ts';

/** What the inner half is given. */
export interface InsideOptions {
  readonly programs: DevPrograms;
  /** Value of the variable that makes this process the inner half: outer pid and whereabouts file. */
  readonly inside: string;
  /** Told what is being done, in words. */
  readonly onStep: (step: string) => void;
  readonly signal: AbortSignal;
}

/** What to do once the cluster is up; the cluster ends with the promise. */
export type DevWork<T> = (cluster: DevCluster) => Promise<T>;

/**
 * Starts the cluster, says where it is, does the work, ends the cluster.
 * @throws SluiceError what starting throws; nothing is left behind
 */
export async function runDevInside<T>(options: InsideOptions, work: DevWork<T>): Promise<T> {
  const match = /^(\d+) (.+)$/s.exec(options.inside);
  if (match === null)
    throw new SluiceError('internal', 'sluice dev was started inside without its whereabouts');
  const cluster = await startDevCluster(options.programs, options.onStep);
  try {
    await writeWhereabouts(match[2] ?? '', {
      outerPid: Number(match[1]),
      clientPid: cluster.topology.client.ns.pid,
      env: cluster.env,
    });
    return await work(cluster);
  } finally {
    await cluster.close();
  }
}

/** Runs a shell command on the client machine in the foreground. @returns its exit code */
export async function execOnClient(cluster: DevCluster, command: string): Promise<number> {
  const [file = '', ...args] = cluster.topology.client.ns.enter(['sh', '-c', command]);
  const child = spawn(file, args, { stdio: 'inherit', env: { ...process.env, ...cluster.env } });
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 137));
  });
}
