/** Owns the outer half of `sluice dev`: this program again in a sandbox, or a command in one that runs already. */
import { rm } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { SluiceError } from '../errors.ts';
import { exec } from '../host/exec.ts';
import { checkSandbox, runInSandbox } from './sandbox.ts';
import { enterArgv, findRunning, whereaboutsFile, whereaboutsFolder } from './whereabouts.ts';

/** Names the whereabouts file to the inner half; its presence in the environment is what makes a process the inner half. */
export const INSIDE_VARIABLE = 'SLUICE_DEV_INSIDE';

/** Programs that the sandbox runs, and the package that has each. */
const NEEDED = [
  { program: 'etcd', args: ['--version'], pkg: 'etcd-server' },
  { program: 'iptables-restore', args: ['--version'], pkg: 'iptables' },
  { program: 'ip', args: ['-V'], pkg: 'iproute2' },
  { program: 'unshare', args: ['--version'], pkg: 'util-linux' },
  { program: 'setpriv', args: ['--version'], pkg: 'util-linux' },
] as const;

/** @throws SluiceError `config` naming every missing program and its package */
async function checkPrograms(): Promise<void> {
  const missing: (typeof NEEDED)[number][] = [];
  for (const needed of NEEDED) {
    const found = await exec(needed.program, needed.args).then(
      () => true,
      () => false,
    );
    if (!found) missing.push(needed);
  }
  if (missing.length === 0) return;
  throw new SluiceError('config', `sluice dev needs ${missing.map(({ program }) => program).join(', ')}`, {
    why: 'not installed, or not in PATH',
    fix: `apt-get install ${[...new Set(missing.map(({ pkg }) => pkg))].join(' ')}, or in a checkout: npm run quickstart`,
    details: { missing: missing.map(({ program }) => program) },
  });
}

/** What the outer half is given. */
export interface OutsideOptions {
  /** Command line of this very run, for the inner half. */
  readonly argv: readonly string[];
  /** The user of this process. */
  readonly uid: number;
  readonly onTerminal: boolean;
}

/**
 * Runs the inner half in a sandbox until it ends.
 * @returns its exit code
 * @throws SluiceError `config` where programs or namespaces are missing
 */
export async function runDevOutside(options: OutsideOptions): Promise<number> {
  const isRoot = options.uid === 0;
  await checkPrograms();
  await checkSandbox(exec, isRoot);
  const file = whereaboutsFile(await whereaboutsFolder(options.uid), process.pid);
  try {
    const { argv, onTerminal } = options;
    return await runInSandbox({
      argv,
      isRoot,
      onTerminal,
      env: { [INSIDE_VARIABLE]: `${process.pid} ${file}` },
    });
  } finally {
    await rm(file, { force: true });
  }
}

/**
 * Runs a shell command on the client machine of the newest running `sluice dev` of this user, in the foreground.
 * @returns its exit code, or undefined if none runs
 */
export async function execInRunning(command: string, uid: number): Promise<number | undefined> {
  const running = await findRunning(await whereaboutsFolder(uid));
  if (running === undefined) return undefined;
  const [file = '', ...args] = enterArgv(running, ['sh', '-c', command], uid === 0);
  const child = spawn(file, args, { stdio: 'inherit', env: { ...process.env, ...running.env } });
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 137)));
  });
}
