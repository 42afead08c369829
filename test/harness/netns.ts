/**
 * Owns one bare network namespace for a test: held by a child process that ends with the test process (its stdin is a pipe), entered with
 * nsenter. Without root it lives in a user namespace of its own. Larger labs are in test/cluster/harness.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SluiceError } from '../../src/errors.ts';
import { exec, type Exec } from '../../src/host/exec.ts';

/** A network namespace with nothing but a loopback that is up. */
export interface Netns {
  readonly pid: number;
  /** Runs programs inside. */
  readonly exec: Exec;
  /** Runs a shell script inside; its stdout. Fails the test if it fails. */
  readonly script: (text: string) => Promise<string>;
  /** argv that runs a program inside, for spawn. */
  readonly argv: (file: string, args: readonly string[]) => readonly [string, readonly string[]];
  readonly close: () => Promise<void>;
}

const isRoot = process.getuid?.() === 0;

/**
 * True for root of the machine, false for an ordinary user and for root of a user namespace. Only the former can use iptables-legacy, and send
 * transactions larger than net.core.wmem_max (about 100 services); tests that need either say so.
 */
export const isMachineRoot =
  isRoot && /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'));
const HOLD = 'ip link set lo up && echo ready && exec cat';

async function holdNamespace(beside: Netns | undefined): Promise<ChildProcess> {
  const flags = isRoot || beside !== undefined ? ['--net'] : ['--user', '--map-root-user', '--net'];
  const enterUser =
    isRoot || beside === undefined
      ? []
      : ['nsenter', '-t', String(beside.pid), '-U', '--preserve-credentials', '--'];
  const [file, ...args] = [...enterUser, 'unshare', ...flags, 'sh', '-c', HOLD];
  const holder = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const [answer]: unknown[] = await Promise.race([once(holder.stdout, 'data'), once(holder, 'exit')]);
  if (String(answer).trim() !== 'ready')
    throw new Error('no network namespace: are unprivileged user namespaces allowed?');
  return holder;
}

/**
 * A fresh namespace.
 * @param beside one to share the user namespace with, so that links can be made between the two without root
 */
export async function openNetns(beside?: Netns): Promise<Netns> {
  const holder = await holdNamespace(beside);
  const folder = await mkdtemp(join(tmpdir(), 'sluice-netns-'));
  const pid = holder.pid ?? 0;
  const enter = ['-t', String(pid), ...(isRoot ? [] : ['-U', '--preserve-credentials']), '-n', '--'];
  // The lock of iptables-legacy is a file of the whole machine; namespaces need not wait for each other.
  const env = { XTABLES_LOCKFILE: join(folder, 'xtables.lock') };
  const inside: Exec = async (file, args, options = {}) => {
    const result = await exec('nsenter', [...enter, file, ...args], {
      ...options,
      env: { ...env, ...options.env },
    });
    if (result.exitCode === 127 && result.stderr.includes('failed to execute')) {
      throw new SluiceError('config', `cannot run ${file}: it is not installed`);
    }
    return result;
  };
  return {
    pid,
    exec: inside,
    script: async (text) => {
      const result = await inside('sh', ['-euc', text], { timeoutMs: 30_000 });
      if (result.exitCode !== 0) throw new Error(`${text}\nexit ${result.exitCode}: ${result.stderr}`);
      return result.stdout;
    },
    argv: (file, args) => [
      'env',
      [...Object.entries(env).map(([name, value]) => `${name}=${value}`), 'nsenter', ...enter, file, ...args],
    ],
    close: async () => {
      if (holder.exitCode === null && holder.signalCode === null) {
        const gone = once(holder, 'exit');
        holder.kill('SIGKILL');
        await gone;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}
