/** Owns what can be done on a machine of a private network: run a program, start a process, keep files. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { ExecOptions, ExecResult } from '../host/exec.ts';
import { startChild, type Child } from './child.ts';
import type { Machine } from './network.ts';

const REPORT_CHARS = 2000;

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
  /** What the started processes said last, for a person who looks for a fault. */
  readonly report: () => string;
}

/** Makes a machine a place to work on. @param parent existing folder in which it gets its own */
export async function openWorkplace(machine: Machine, parent: string): Promise<Workplace> {
  const folder = path.join(parent, machine.name);
  await mkdir(folder);
  // The lock of iptables-legacy is a file, which machines of one kernel must not share.
  const env = { XTABLES_LOCKFILE: path.join(folder, 'xtables.lock') };
  const started: { readonly argv: readonly string[]; readonly child: Child }[] = [];
  return {
    ...machine,
    folder,
    env,
    run: async ([file = '', ...args], options) =>
      await machine.ns.exec(file, args, { ...options, env: { ...env, ...options?.env } }),
    start: async (argv, extra) => {
      const child = await startChild({ argv, ns: machine.ns, env: { ...env, ...extra }, cwd: folder });
      started.push({ argv, child });
      return child;
    },
    report: () =>
      started
        .map(({ argv, child }) => {
          const state = child.running() ? 'running' : 'ended';
          const said = `${child.stdout()}${child.stderr()}`.slice(-REPORT_CHARS);
          return `--- ${machine.name}, pid ${child.pid}, ${state}: ${argv.join(' ')}\n${said}\n`;
        })
        .join(''),
  };
}
