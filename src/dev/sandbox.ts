/**
 * Owns the sandbox of `sluice dev`: this program again, with private network, mounts and processes, as root of the machine
 * or of a user namespace. (bin/setup/sandbox.js has the same command line for tests, before anything is built.)
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { SluiceError } from '../errors.ts';
import type { Exec } from '../host/exec.ts';

/** PID 1 inside: reaps what nobody waits for. /run and /dev/shm are private, unless the work is there. */
const INIT = `
for d in /run /dev/shm; do
  case "$PWD/" in "$d"/*) ;; *) mount -t tmpfs tmpfs "$d" || exit 71 ;; esac
done
ip link set lo up || exit 71
"$@"
exit $?`;

/**
 * Command line that runs `argv` in a sandbox; all inside dies with this process.
 * @param isRoot whether this process is root (else it becomes root of a user namespace)
 */
export function sandboxArgv(argv: readonly string[], isRoot: boolean): readonly string[] {
  const user = isRoot ? [] : ['--user', '--map-root-user'];
  const spaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const prefix = ['setpriv', '--pdeathsig', 'KILL', '--', 'unshare', ...user, ...spaces, '--'];
  return [...prefix, 'sh', '-c', INIT, 'sandbox', ...argv];
}

/**
 * Tries an empty sandbox.
 * @throws SluiceError `config` where the machine forbids it, with how to allow it
 */
export async function checkSandbox(exec: Exec, isRoot: boolean): Promise<void> {
  const [file = '', ...args] = sandboxArgv(['true'], isRoot);
  const { exitCode, stderr } = await exec(file, args);
  if (exitCode === 0) return;
  throw new SluiceError('config', 'this machine does not allow a private network namespace', {
    why: stderr.trim().split('\n')[0] ?? `exit code ${exitCode}`,
    fix: isRoot
      ? 'inside a container: give it CAP_SYS_ADMIN and CAP_NET_ADMIN'
      : 'run with sudo, or allow user namespaces: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), user.max_user_namespaces=10000',
  });
}

/** What runs in the sandbox, and as whom. */
export interface SandboxRun {
  readonly argv: readonly string[];
  readonly isRoot: boolean;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Whether the keyboard interrupts the whole process group by itself, i.e. stdin is a terminal. */
  readonly onTerminal: boolean;
}

/** Runs a program in a sandbox in the foreground, hands signals on to it, and gives its exit code. */
export async function runInSandbox({ argv, isRoot, env, onTerminal }: SandboxRun): Promise<number> {
  const [file = '', ...args] = sandboxArgv(argv, isRoot);
  const child = spawn(file, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  const onSignal = (signal: NodeJS.Signals): void => {
    if (signal === 'SIGINT' && onTerminal) return;
    for (const pid of child.pid === undefined ? [] : insideOf(child.pid)) process.kill(pid, signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', (cause) => {
        reject(new SluiceError('config', `cannot run ${file}`, { fix: 'install util-linux', cause }));
      });
      child.once('close', (code) => {
        resolve(code ?? 137);
      });
    });
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
  }
}

/** The program inside: unshare → PID 1 → it. unshare itself takes no SIGTERM while it waits. */
function insideOf(unsharePid: number): readonly number[] {
  return childrenOf(unsharePid).flatMap(childrenOf);
}

/** Processes started by a process and not yet reaped; none if it has ended. */
export function childrenOf(pid: number): readonly number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  } catch {
    return []; // it has just ended
  }
}
