/**
 * Owns how many cores the kernel gives each instance: the limit of its control group as it is now, which need not be what the template of
 * its service says. In the midst of a roll-out both limits run side by side, and people set limits by hand, too. Reads only.
 */
import type { Clock } from '../host/clock.ts';
import { readSmallFile } from '../host/small-file.ts';
import type { Cgroups } from '../runtime/cgroup/cgroup.ts';
import type { RunningInstance } from '../runtime/running.ts';

/** Limits change seldom: so long what was read counts, and reading costs next to nothing. */
const READ_AGAIN_MS = 30_000;

/** Cores by `run`; those of which no limit is known are missing. */
export type CoreLimits = ReadonlyMap<string, number>;

/** A quota by the period that it is for; undefined: unlimited ('max', '-1'), or the files are not there. */
function coresOf(quota: string | undefined, period: string | undefined): number | undefined {
  const [used, of] = [Number(quota), Number(period)];
  return used > 0 && of > 0 ? used / of : undefined;
}

/** Cores that the kernel lets an instance use; undefined: no limit, or none that is known. */
export function groupCores({ version, folderOf }: Cgroups): number | undefined {
  const folder = folderOf.cpu;
  if (folder === undefined) return undefined;
  if (version === 2) {
    const [quota, period] = (readSmallFile(`${folder}/cpu.max`) ?? '').split(' ');
    return coresOf(quota, period);
  }
  const [quota, period] = ['quota', 'period'].map((what) => readSmallFile(`${folder}/cpu.cfs_${what}_us`));
  return coresOf(quota, period);
}

/**
 * A reader of the limits of those that run.
 * @returns called with all that run now, their limits, at most half a minute old
 */
export function createCoreLimits(
  clock: Pick<Clock, 'monotonicMs'>,
): (running: readonly RunningInstance[]) => CoreLimits {
  let known: ReadonlyMap<string, { readonly cores: number | undefined; readonly atMs: number }> = new Map();
  return (running) => {
    const atMs = clock.monotonicMs();
    known = new Map(
      running.map(({ run, cgroups }) => {
        const before = known.get(run);
        const isYoung = before !== undefined && atMs - before.atMs < READ_AGAIN_MS;
        return [run, isYoung ? before : { cores: cgroups && groupCores(cgroups), atMs }];
      }),
    );
    return new Map([...known].flatMap(([run, { cores }]) => (cores === undefined ? [] : [[run, cores]])));
  };
}
