/** Owns killing everything in an instance's control groups, also what forks meanwhile. Bounded in time. */
import { writeFileSync } from 'node:fs';
import type { Clock } from '../../host/clock.ts';
import { readKernelFile } from '../../host/machine.ts';
import type { Cgroups } from './cgroup.ts';

const TIMEOUT_MS = 5_000;
const PAUSE_MS = 5;
/** How long a freeze may take; then it is killed unfrozen, round after round. */
const FREEZE_MS = 200;

/** Pids in the groups, each once. Threads and the dead do not count; 0 is a process of another pid namespace. */
export function cgroupPids(groups: Cgroups): readonly number[] {
  const pids = groups.folders.flatMap((folder) =>
    (readKernelFile(`${folder}/cgroup.procs`) ?? '').split('\n').map(Number),
  );
  return [...new Set(pids)].filter((pid) => pid > 0);
}

function tryWrite(file: string, text: string): boolean {
  try {
    writeFileSync(file, text);
    return true;
  } catch {
    return false;
  }
}

const freezerOf = ({ version, folderOf }: Cgroups): string | undefined =>
  version === 2 || folderOf.freezer === undefined ? undefined : `${folderOf.freezer}/freezer.state`;

/** Stops all of them at once, so that nothing forks while they are killed. */
async function freeze(groups: Cgroups, clock: Clock): Promise<void> {
  const file = freezerOf(groups);
  if (file === undefined) return;
  const deadline = clock.monotonicMs() + FREEZE_MS;
  while (tryWrite(file, 'FROZEN') && clock.monotonicMs() < deadline) {
    if (readKernelFile(file) === 'FROZEN') return;
    await clock.sleep(PAUSE_MS);
  }
}

function thaw(groups: Cgroups): void {
  const file = freezerOf(groups);
  if (file !== undefined) tryWrite(file, 'THAWED');
}

/**
 * Kills everything in the groups.
 * @returns false if something is left at the deadline (it hangs in the kernel)
 */
export async function killCgroups(groups: Cgroups, clock: Clock): Promise<boolean> {
  const deadline = clock.monotonicMs() + TIMEOUT_MS;
  for (;;) {
    if (cgroupPids(groups).length === 0) return true;
    if (clock.monotonicMs() >= deadline) return false;
    const byKernel =
      groups.version === 2 && groups.folders.some((folder) => tryWrite(`${folder}/cgroup.kill`, '1'));
    if (!byKernel) await killRound(groups, clock);
    await clock.sleep(PAUSE_MS);
  }
}

async function killRound(groups: Cgroups, clock: Clock): Promise<void> {
  await freeze(groups, clock);
  try {
    for (const pid of cgroupPids(groups)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
  } finally {
    thaw(groups);
  }
}
