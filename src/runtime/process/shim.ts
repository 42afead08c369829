/**
 * Owns the shim: one tiny sh for each instance, that starts the program, outlives the agent, and keeps how it ended. Its folder is the only
 * thing that it and the agent share. Must stay readable by every POSIX sh with `read`, `printf`, `cd -P` and `pwd -P`.
 *
 * - It runs with the variables of LAUNCH_ENV and stays outside the control groups: limits of the instance must not keep it from its work.
 * - The program is no background job, as sh has those ignore SIGINT and SIGQUIT. So traps (which only keep the shim alive) run after its end.
 * - `pids`: a line of /proc/PID/stat of the shim, then one of the program, each written by the process itself before anything else happens.
 * - The exit record was allocated before the start and is overwritten in place, by sh itself: an exit is kept on a full disk, too, and seen
 *   without waiting for another program to be started. It counts once its last word is there.
 */
import { LAUNCH_SCRIPT } from '../launch/launch.ts';

/** Bytes of the allocated exit record. */
export const EXIT_RECORD_BYTES = 64;
/** Ends an exit record that is whole. */
export const EXIT_LAST_WORD = 'end';

/** Parameters: FOLDER RUN EXITS NAME, then those of LAUNCH_SCRIPT. A shim whose run is not the folder's any more came too late and goes. */
export const SHIM_SCRIPT = `# Keeps one instance of a service: sluice agent starts it and reads what it writes.
d=$1 run=$2 exits=$3 name=$4; shift 4
umask 022
trap : HUP INT QUIT TERM USR1 USR2 ALRM
cd /
read -r wanted <"$d/run" && [ "$wanted" = "$run" ] || exit 0
{ echo 0 >/proc/self/oom_score_adj; } 2>/dev/null
read -r line </proc/self/stat && printf '%s\\n' "$line" >"$d/pids" || exit 1
(
  read -r line </proc/self/stat && printf '%s\\n' "$line" >>"$d/pids" || exit 1
${LAUNCH_SCRIPT}
) </dev/null >>"$d/stdout.log" 2>>"$d/stderr.log"
printf '%-${EXIT_RECORD_BYTES - EXIT_LAST_WORD.length - 2}s ${EXIT_LAST_WORD}\\n' "$run $?" 1<>"$exits/$name"
`;

/** What a shim is told. */
export interface ShimOrder {
  /** The instance's folder. */
  readonly folder: string;
  /** Word that tells this start from others of the same instance. */
  readonly run: string;
  /** Folder of exit records; this one's is `name`. */
  readonly exits: string;
  readonly name: string;
}

/**
 * Command line of a shim.
 * @param script file that holds SHIM_SCRIPT
 */
export function shimCommand(
  script: string,
  { folder, run, exits, name }: ShimOrder,
  parameters: readonly string[],
): readonly string[] {
  return ['sh', script, folder, run, exits, name, ...parameters];
}

/** True if a command line (words with a NUL after each) is that of a shim of this folder and run. */
export function isShimOf(commandLine: string, folder: string, run: string): boolean {
  return commandLine.startsWith('sh\0') && commandLine.includes(`\0${folder}\0${run}\0`);
}
