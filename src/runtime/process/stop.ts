/** Owns ending an instance: its signal, its grace, then KILL of everything it is made of. */
import type { Clock } from '../../host/clock.ts';
import { isAlive } from '../../host/proc-stat.ts';
import { SluiceError } from '../../errors.ts';
import { killCgroups } from '../cgroup/kill.ts';
import type { ExitStatus, StopOptions } from '../driver.ts';
import { killProcess } from './leftovers.ts';
import type { WrittenPid } from './record.ts';
import type { Tracker } from './tracker.ts';

/** How long the kernel may take to end what was killed. */
const KILL_TIMEOUT_MS = 5_000;

function signalMain({ pid, startTicks }: WrittenPid, signal: NodeJS.Signals): void {
  if (!isAlive(pid, startTicks)) return;
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself.
  }
}

/** Resolves with its exit, or with undefined at the deadline. */
async function exitWithin(
  tracker: Tracker,
  id: string,
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
): Promise<ExitStatus | undefined> {
  const ended = new AbortController();
  let exit: ExitStatus | undefined;
  const stop = tracker.onExit(id, (found) => {
    exit = found;
    ended.abort();
  });
  await clock.sleep(timeoutMs, ended.signal);
  stop();
  return exit;
}

/**
 * Ends an instance that is tracked.
 * @throws SluiceError `failed` if it cannot be killed
 */
export async function stopRun(
  tracker: Tracker,
  id: string,
  { signal, graceMs, clock }: StopOptions & { readonly clock: Clock },
): Promise<ExitStatus> {
  const sight = await tracker.look(id);
  if (sight.kind === 'exited') return sight.exit;
  signalMain(sight.main, signal);
  const gone = await exitWithin(tracker, id, { clock, timeoutMs: graceMs });
  if (gone !== undefined) return gone;
  const cgroups = tracker.record(id)?.cgroups;
  // What it forked goes with it: at once where groups hold it together, else right after its end.
  if (cgroups !== undefined) await killCgroups(cgroups, clock);
  killProcess(sight.main);
  const killed = await exitWithin(tracker, id, { clock, timeoutMs: KILL_TIMEOUT_MS });
  if (killed !== undefined) return killed;
  throw new SluiceError('failed', `instance ${id} cannot be killed`, {
    why: `process ${sight.main.pid} is still there ${KILL_TIMEOUT_MS} ms after SIGKILL: it hangs in the kernel`,
    fix: `look at /proc/${sight.main.pid}/stack and the disks and mounts it uses`,
    details: { instance: id, pid: sight.main.pid },
  });
}
