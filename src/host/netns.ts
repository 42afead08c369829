/**
 * Owns network namespaces without names and mounts: each is held by a child process, and commands enter it through that
 * process. Works as root and as root of a user namespace. Must not use `ip netns` (its names race and outlive us).
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { SluiceError } from '../errors.ts';
import { exec, type Exec } from './exec.ts';
import { waitUntil } from './wait.ts';

/** A network namespace, alive until `close` or the death of this process. Its loopback is up. */
export interface Netns {
  /** Process that holds it; the number to move links to (`ip link set X netns PID`). */
  readonly pid: number;
  /** What /proc/PID/ns/net of its processes reads, e.g. 'net:[4026532281]'. */
  readonly inode: string;
  /** Runs a program inside to its end; a program that cannot be run gives nsenter's exit code, 126 or 127. */
  readonly exec: Exec;
  /** The command line that runs `argv` inside; the process keeps its pid and dies with this process. */
  readonly enter: (argv: readonly string[]) => readonly string[];
  /** Kills every process inside, then the holder. Idempotent. */
  readonly close: () => Promise<void>;
}

/** Settings of a new namespace. */
export interface NetnsOptions {
  /** Written below /proc/sys/net inside, e.g. { 'ipv4/ip_forward': '1' }. */
  readonly sysctls?: Readonly<Record<string, string>> | undefined;
}

type Holder = ChildProcessByStdio<Writable, Readable, Readable>;

// Ends with the death of its parent twice over: by signal, and because `cat` reads the end of its input.
const HOLDER = ['setpriv', '--pdeathsig', 'KILL', '--', 'unshare', '--net', '--', 'sh', '-ec'];
const SCRIPT =
  'for s in "$@"; do echo "${s#*=}" > "/proc/sys/net/${s%%=*}"; done; ip link set lo up; echo up; exec cat';

/**
 * Creates a network namespace with loopback up.
 * @throws SluiceError `permission` if the kernel does not allow it, `config` if a program is missing
 */
export async function openNetns(options: NetnsOptions = {}): Promise<Netns> {
  const settings = Object.entries(options.sysctls ?? {}).map(([key, value]) => `${key}=${value}`);
  const [file = '', ...args] = [...HOLDER, SCRIPT, 'netns', ...settings];
  const holder = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  await holderReady(holder);
  const pid = holder.pid ?? 0;
  const inode = readlinkSync(`/proc/${pid}/ns/net`);
  const inside = ['nsenter', '-t', String(pid), '-n', '--'];
  return {
    pid,
    inode,
    exec: async (program, programArgs, execOptions) =>
      await exec('nsenter', [...inside.slice(1), program, ...programArgs], execOptions),
    enter: (argv) => ['setpriv', '--pdeathsig', 'KILL', '--', ...inside, ...argv],
    close: async () => {
      await killInside([inode], pid);
      holder.kill('SIGKILL');
      if (holder.exitCode === null && holder.signalCode === null) {
        await new Promise((resolve) => holder.once('exit', resolve));
      }
    },
  };
}

/** Resolves when the holder says that its namespace is set up. */
async function holderReady(holder: Holder): Promise<void> {
  let stderr = '';
  holder.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once('data', () => {
      resolve();
    });
    holder.once('error', (cause) => {
      reject(new SluiceError('config', `cannot run ${HOLDER[0]}`, { fix: 'install util-linux', cause }));
    });
    holder.once('close', () => {
      reject(
        new SluiceError('permission', 'cannot create a network namespace', {
          why: stderr.trim().split('\n')[0],
          fix: 'run as root, or inside: unshare --user --map-root-user --net',
        }),
      );
    });
  });
}

/** Processes whose network namespace is one of `inodes`; without zombies. */
export function processesInside(inodes: readonly string[]): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => inodes.includes(netnsOf(pid) ?? ''));
}

/** Network namespace of a process, as `Netns.inode`; undefined if it is gone, a zombie, or somebody else's. */
export function netnsOf(pid: number | undefined): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}

/**
 * Kills every process inside the namespaces, until none is left.
 * @param keep a process to spare: the holder
 * @throws SluiceError `timeout` if some survive 5 s
 */
export async function killInside(inodes: readonly string[], ...keep: readonly number[]): Promise<void> {
  const left = (): readonly number[] => processesInside(inodes).filter((pid) => !keep.includes(pid));
  await waitUntil(
    () => {
      const pids = left();
      for (const pid of pids) killNow(pid);
      return pids.length === 0;
    },
    { what: 'the processes of a network namespace to end', timeoutMs: 5000, everyMs: 2 },
  );
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/**
 * Runs lines of `ip -batch` inside a namespace, in one process.
 * @throws SluiceError `failed` with ip's own words
 */
export async function ipBatch(ns: Netns, lines: readonly string[]): Promise<void> {
  const result = await ns.exec('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` });
  if (result.exitCode === 0) return;
  throw new SluiceError('failed', 'ip could not set up a network', {
    why: result.stderr.trim().replaceAll('\n', '; '),
    details: { lines },
  });
}

/** An end of a virtual cable. */
export interface CableEnd {
  readonly ns: Netns;
  /** Interface name, at most 15 characters. */
  readonly name: string;
}

/** The `ip` line, for a batch inside `from.ns`, that lays a virtual cable to `to`. */
export function cableLine(from: CableEnd, to: CableEnd): string {
  return `link add ${from.name} type veth peer name ${to.name} netns ${to.ns.pid}`;
}
