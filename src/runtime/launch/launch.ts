/**
 * Owns how a program of an order is started: in its folder, its control groups, a session of its own, with its limits, user, environment
 * and nothing else. Each step is a small program that executes the next one in its place. No shell reads a word of the order: a
 * fixed script gets them as positional parameters.
 */
import { readKernelFile } from '../../host/machine.ts';
import type { UserIds } from './user.ts';

/** How a program runs. */
export interface Launch {
  /** The program's absolute path and its arguments. */
  readonly command: readonly string[];
  /** Complete. */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute, symbolic links followed. */
  readonly workingDirectory: string;
  readonly user: UserIds;
  /** Limit of open files. */
  readonly files: number | undefined;
  /** Folders of control groups. */
  readonly cgroups: readonly string[];
}

/** Environment of all programs before the last one: the order's could make them load foreign code as root. */
export const LAUNCH_ENV: Readonly<Record<string, string>> = {
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
};

/** Exit code of the script when a step before the program failed; it says why on stderr. */
export const NOT_LAUNCHED = 125;

/**
 * The script: `FOLDER COUNT CGROUP... PROGRAM...`. The folder is entered by its real path and then asked where it is, so that a link put
 * into its way since it was checked is seen. Runs with the variables of LAUNCH_ENV only.
 */
export const LAUNCH_SCRIPT = `
  cd -P -- "$1" && [ "$(pwd -P)" = "$1" ] || { echo "sluice: working directory $1 is not what it was" >&2; exit ${NOT_LAUNCHED}; }
  n=$2; shift 2
  while [ "$n" -gt 0 ]; do
    echo 0 >"$1/cgroup.procs" || { echo "sluice: cannot join control group $1" >&2; exit ${NOT_LAUNCHED}; }
    n=$((n - 1)); shift
  done
  exec "$@"`;

const CAP_SYS_RESOURCE = 24;

/** Highest limit of open files that a process of ours can have. */
function mostFiles(): number {
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(readKernelFile('/proc/self/status') ?? '')?.[1] ?? '0';
  if (((BigInt(`0x${effective}`) >> BigInt(CAP_SYS_RESOURCE)) & 1n) === 1n) {
    return Number(readKernelFile('/proc/sys/fs/nr_open') ?? 1_048_576);
  }
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(readKernelFile('/proc/self/limits') ?? '')?.[1];
  return hard === undefined || hard === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(hard);
}

/** The limit of open files that can be given, with a note if it is not the one that was ordered. */
export function filesLimit(wanted: number | undefined): {
  readonly files: number | undefined;
  readonly notes: readonly string[];
} {
  const most = mostFiles();
  if (wanted === undefined || wanted <= most) return { files: wanted, notes: [] };
  return {
    files: most,
    notes: [`files limit is ${most}, not ${wanted}: nothing on this node may raise it (no CAP_SYS_RESOURCE)`],
  };
}

/** True if processes of ours may become another user's. */
const isRoot = (): boolean => process.geteuid?.() === 0;

/** Words before a program that drop privileges. Root, where a policy allows it, stays whole. */
export function dropTo({ uid, gid }: UserIds): readonly string[] {
  if (uid === 0) return [];
  const own = ['setpriv', '--no-new-privs', '--inh-caps=-all'];
  if (!isRoot()) return own;
  const ids = ['--reuid', String(uid), '--regid', String(gid), '--init-groups'];
  return [...own, ...ids, '--bounding-set=-all'];
}

/** The program with all steps before it, each executed by the one before. The script's parameters follow from `scriptParameters`. */
function steps({ command, env, user, files }: Launch): readonly string[] {
  return [
    ...(files === undefined ? [] : ['prlimit', `--nofile=${files}:${files}`]),
    ...dropTo(user),
    'env',
    '-i',
    ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
    ...command,
  ];
}

/** Parameters of LAUNCH_SCRIPT; the program becomes leader of a session of its own. */
export function scriptParameters(launch: Launch): readonly string[] {
  const { workingDirectory, cgroups } = launch;
  return [workingDirectory, String(cgroups.length), ...cgroups, 'setsid', ...steps(launch)];
}

/**
 * Command lines that a launched process has before it is the program itself, each word with a NUL after it: whoever has another one has
 * become the program.
 * @param script words of the shell that runs the script
 */
export function launchingCommandLines(launch: Launch, script: readonly string[]): ReadonlySet<string> {
  const all = ['setsid', ...steps(launch)];
  const marks = ['setsid', 'prlimit', 'setpriv', 'env'];
  const before = all.length - launch.command.length;
  const starts = all.flatMap((word, at) => (at < before && marks.includes(word) ? [at] : []));
  const lines = [script, ...starts.map((at) => all.slice(at))];
  return new Set(lines.map((words) => words.map((word) => `${word}\0`).join('')));
}
