/**
 * Owns how an instance under systemd tells its end: a fixed script that systemd runs as root once all of the unit's processes are gone
 * (ExecStopPost), and the record that it overwrites in place. The record was allocated before the start, so an end is kept on a full disk, too;
 * it counts once its last word is there. The script gets no word and no variable of the order. It is a file, as systemd 252 breaks `$` in the words of a
 * transient unit when it reads its units anew.
 */
import { readFileSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { constants } from 'node:os';
import type { ExitStatus } from '../driver.ts';
import type { CgroupMounts } from '../cgroup/mounts.ts';

const RECORD_BYTES = 96;
const LAST_WORD = 'end';

/** The script. Parameters: FILE RUN MEMORY-MOUNT-OF-VERSION-1 MOUNT-OF-VERSION-2, the latter '-' for none. Builtins only: the unit may be at its limit of tasks. */
export const EXIT_SCRIPT = `# Writes down how an instance of a service ended: systemd runs it for sluice agent.
oom=0 file=
while IFS=: read -r number names path; do
  if [ "$3" != - ]; then [ "$names" != memory ] || file=$3$path/memory.oom_control
  elif [ "$4" != - ] && [ -z "$names" ]; then file=$4$path/memory.events; fi
done </proc/self/cgroup
[ ! -r "$file" ] || while read -r key value; do [ "$key" != oom_kill ] || oom=$value; done <"$file"
printf '%-${RECORD_BYTES - LAST_WORD.length - 2}s ${LAST_WORD}\\n' "$2 \${EXIT_CODE:-unknown} \${EXIT_STATUS:-unknown} $oom" 1<>"$1"
`;

/** Words that write the record; the script is at `script`. */
export function exitCommand(
  script: string,
  { file, run }: { readonly file: string; readonly run: string },
  { v1, v2 }: CgroupMounts,
): readonly string[] {
  return ['/bin/sh', script, file, run, v1.get('memory') ?? '-', v2?.path ?? '-'];
}

/** Makes room for a record; how an earlier run ended is forgotten. */
export async function allocateExit(file: string): Promise<void> {
  const handle = await open(file, 'w', 0o600);
  try {
    await handle.writeFile(`${' '.repeat(RECORD_BYTES - 1)}\n`);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

/** How an end is told: words of systemd (man 5 systemd.exec, $EXIT_CODE and $EXIT_STATUS). */
export function parseExit(text: string, run: string): Omit<ExitStatus, 'at'> | undefined {
  const [found, how, status = '', oom, last] = text.trim().split(/ +/);
  if (found !== run || last !== LAST_WORD) return undefined;
  const outOfMemory = Number(oom) > 0;
  if (how === 'exited' && /^\d{1,3}$/.test(status)) {
    return { code: Number(status), signal: undefined, outOfMemory, lost: false };
  }
  const signal = `SIG${status}`;
  const isSignal = (how === 'killed' || how === 'dumped') && Object.hasOwn(constants.signals, signal);
  if (isSignal) return { code: undefined, signal, outOfMemory, lost: false };
  return { code: undefined, signal: undefined, outOfMemory, lost: true };
}

/** The end of that run, if the record tells it. */
export function readExit(file: string, run: string): ExitStatus | undefined {
  try {
    const exit = parseExit(readFileSync(file, 'latin1'), run);
    return exit === undefined ? undefined : { ...exit, at: statSync(file).mtime.toISOString() };
  } catch {
    return undefined;
  }
}
