/** Owns what can be done on a machine of a private network: run a program, start a process, keep files. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { ExecOptions, ExecResult } from '../host/exec.ts';
import { startChild, type Child } from './child.ts';
import type { Machine } from './network.ts';

/** A machine with a folder and an environment of its own. */
export interface Workplace extends Machine {
  /** A folder of its own. */
  readonly folder: string;
  /** Added to the environment of all that runs on it. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs a program on it to its end; see `Exec`. A program that cannot be run gives 126 or 127. */
  readonly run: (argv: readonly string[], options?: ExecOptions) => Promise<ExecResult>;
  /** Starts a process on it, in its folder; killed with the network and with this process. */
  readonly start: (argv: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Child>;
}

/** Makes a machine a place to work on. @param parent existing folder in which it gets its own */
export async function openWorkplace(machine: Machine, parent: string): Promise<Workplace> {
  const folder = path.join(parent, machine.name);
  await mkdir(folder);
  // The lock of iptables-legacy is a file, which machines of one kernel must not share.
  const env = { XTABLES_LOCKFILE: path.join(folder, 'xtables.lock') };
  return {
    ...machine,
    folder,
    env,
    run: async ([file = '', ...args], options) =>
      await machine.ns.exec(file, args, { ...options, env: { ...env, ...options?.env } }),
    start: async (argv, extra) =>
      await startChild({ argv, ns: machine.ns, env: { ...env, ...extra }, cwd: folder }),
  };
}
