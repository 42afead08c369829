/**
 * Owns the sandbox of tests: private network, mounts and processes, so that nothing can touch the machine's firewall and
 * every process dies with the run. Root of the machine or, in a user namespace, an ordinary user. (src/dev/sandbox.ts has
 * the same for `sluice dev`; a test compares them. This one must run before anything is built.)
 */
import { run } from './run.js';

/**
 * PID 1 inside: reaps what nobody waits for. /run and /dev/shm are private (unless the work is there), so that lock files
 * and leftovers are too.
 */
const INIT = `
for d in /run /dev/shm; do
  case "$PWD/" in "$d"/*) ;; *) mount -t tmpfs tmpfs "$d" || exit 71 ;; esac
done
ip link set lo up || exit 71
"$@"
exit $?`;

/**
 * Command line that runs `argv` in a sandbox; it ends with this process.
 * @param {readonly string[]} argv program and arguments
 * @param {boolean} isRoot whether this process is root of the machine
 * @returns {readonly string[]}
 */
export function sandboxArgv(argv, isRoot) {
  const user = isRoot ? [] : ['--user', '--map-root-user'];
  const spaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  return [
    'setpriv',
    '--pdeathsig',
    'KILL',
    '--',
    'unshare',
    ...user,
    ...spaces,
    '--',
    'sh',
    '-c',
    INIT,
    'sandbox',
    ...argv,
  ];
}

/**
 * Whether sandboxes work here.
 * @param {boolean} isRoot whether this process is root of the machine
 * @param {NodeJS.ProcessEnv} env to look for programs with
 * @returns {Promise<string | undefined>} why not, undefined if they do
 */
export async function whyNoSandbox(isRoot, env) {
  const { exitCode, stderr } = await run(sandboxArgv(['true'], isRoot), { env });
  return exitCode === 0 ? undefined : (stderr.trim().split('\n')[0] ?? `exit code ${exitCode}`);
}

/** What a person can do where user namespaces are forbidden (Ubuntu 24.04, hardened kernels, containers). */
export const SANDBOX_ADVICE =
  'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), sudo sysctl -w user.max_user_namespaces=10000, or run with sudo; a container needs CAP_SYS_ADMIN';
