/** Owns the life of instances that somebody else keeps: starting, looking, stopping, and what is known of their ends. */
import { randomId, type Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import { isAlive } from '../../host/proc-stat.ts';
import { SluiceError } from '../../errors.ts';
import { outOfMemoryKills } from '../cgroup/cgroup.ts';
import type { CgroupMounts } from '../cgroup/mounts.ts';
import { groupsOfProcess, unenforced } from '../cgroup/process-groups.ts';
import type { ExitStatus, Observed, StartOrder, StopOptions } from '../driver.ts';
import { LOST } from '../exit-status.ts';
import type { ExitListeners } from '../exit-listeners.ts';
import { checkId } from '../instance-id.ts';
import type { Turns } from '../turns.ts';
import { prepareKept, readKept, writeKept } from './files.ts';
import type { Keeper, KeptRecord, KeptSight } from './keeper.ts';

/** What the functions here share. */
export interface KeptLife {
  readonly root: string;
  readonly keeper: Keeper;
  readonly clock: Clock;
  readonly log: Log;
  readonly bootId: string;
  readonly mounts: CgroupMounts;
  /** What is known in this process; on disk is the same. */
  readonly records: Map<string, KeptRecord>;
  readonly listeners: ExitListeners;
  /** Of one instance, one look at a time: its end is told once. */
  readonly looks: Turns;
}

/** How long a keeper may be between two states; then nobody knows how it ended, and what is left of it is killed. */
const CHANGE_MS = 20_000;
/** An agent may have been killed right after it told the keeper to start; a keeper's `clear` stops what comes later. */
const UNKNOWN_MS = 3_000;
const PAUSE_MS = 20;
/** How long the kernel may take to end what was killed. */
const KILL_TIMEOUT_MS = 10_000;

/** The record of an id. @throws SluiceError `not-found` */
export function keptRecordOf({ root, records, keeper }: KeptLife, id: string): KeptRecord {
  const record = records.get(checkId(id)) ?? readKept(root, id);
  if (record === undefined) {
    throw new SluiceError('not-found', `there is no instance ${id} here`, {
      why: `the ${keeper.name} driver has no record of it`,
      details: { instance: id },
    });
  }
  records.set(id, record);
  return record;
}

function observed({ bootId }: KeptLife, record: KeptRecord): Observed {
  const { id, service, port, startedAt, ended, main, notes } = record;
  if (ended !== undefined) return { kind: 'exited', id, service, port, exit: ended };
  const identity = main === undefined ? undefined : { bootId, ...main };
  return { kind: 'running', id, service, port, main: identity, startedAt, notes };
}

/** Writes a record down as far as the disk lets us; the keeper knows the same. */
async function save({ root, records, log }: KeptLife, record: KeptRecord): Promise<void> {
  records.set(record.id, record);
  await writeKept(root, record).catch((error: unknown) =>
    log.error('the state of an instance cannot be written down', { instance: record.id, why: String(error) }),
  );
}

async function end(life: KeptLife, record: KeptRecord, exit: ExitStatus): Promise<void> {
  const { keeper, listeners, log } = life;
  const ended = { ...record, ended: exit };
  life.records.set(record.id, ended);
  listeners.tell(record.id, exit);
  await save(life, ended);
  await keeper.clear(record.id).catch((error: unknown) =>
    log.warn('what is left of an instance cannot be taken away, it is tried again at its next start', {
      instance: record.id,
      why: error instanceof SluiceError ? (error.why ?? error.message) : String(error),
    }),
  );
}

const isSeen = ({ bootId }: KeptLife, { bootId: own, main }: KeptRecord): boolean =>
  own === bootId && main !== undefined && isAlive(main.pid, main.startTicks);

/** Asks the keeper until it is between no two states. */
async function settle(life: KeptLife, record: KeptRecord): Promise<KeptSight> {
  const { keeper, clock, bootId } = life;
  const from = clock.monotonicMs();
  for (;;) {
    const sight = await keeper.look(record);
    const age = clock.now().getTime() - Date.parse(record.startedAt);
    const isComing = record.main === undefined && record.bootId === bootId && age < UNKNOWN_MS;
    const isSettled = sight.kind === 'absent' ? !isComing : sight.kind !== 'changing';
    if (isSettled) return sight;
    // Nothing of an earlier boot is on its way.
    if (record.bootId !== bootId) return { kind: 'absent' };
    if (life.records.get(record.id)?.ended !== undefined) return { kind: 'absent' };
    if (clock.monotonicMs() - from >= CHANGE_MS) {
      await keeper.kill(record);
      return { kind: 'absent' };
    }
    await clock.sleep(PAUSE_MS);
  }
}

/** What it does now; tells listeners if it has ended. @throws SluiceError if the keeper cannot be asked */
export async function lookKept(life: KeptLife, id: string): Promise<Observed> {
  return await life.looks.take(id, async () => {
    const record = keptRecordOf(life, id);
    if (record.ended !== undefined || isSeen(life, record)) return observed(life, record);
    // While its groups are still there: not every keeper can tell.
    const byMemory = record.cgroups !== undefined && outOfMemoryKills(record.cgroups) > 0;
    const sight = await settle(life, record);
    if (sight.kind === 'running') {
      const cgroups = groupsOfProcess(life.mounts, sight.main.pid, sight.groupMark);
      const notes = [
        ...record.notes,
        ...(record.main === undefined ? unenforced(cgroups, record.limits) : []),
      ];
      await save(life, { ...record, main: sight.main, cgroups, notes });
    } else if (keptRecordOf(life, id).ended === undefined) {
      const exit = sight.kind === 'exited' ? sight.exit : LOST;
      const isKilled = exit.signal === 'SIGKILL' || exit.lost;
      await end(life, record, { ...exit, outOfMemory: exit.outOfMemory || (isKilled && byMemory) });
    }
    return observed(life, keptRecordOf(life, id));
  });
}

/**
 * Starts what does not run. Logs of earlier runs stay.
 * @throws SluiceError `permission`, `config`, `failed`; then nothing of it runs
 */
export async function startKept(life: KeptLife, order: StartOrder): Promise<Observed> {
  const { keeper, clock, bootId, records, root } = life;
  const { id, service, port, limits, logs } = order;
  const ready = await keeper.prepare(order);
  await keeper.clear(id);
  const startedAt = clock.now().toISOString();
  const run = randomId();
  const { notes } = ready;
  const record: KeptRecord = { format: 1, id, service, port, bootId, run, startedAt, limits, logs, notes };
  await prepareKept(root, record);
  records.set(id, record);
  try {
    await ready.start(record);
  } catch (error) {
    if (keptRecordOf(life, id).ended === undefined) await end(life, record, LOST);
    throw error;
  }
  return await lookKept(life, id);
}

/** Resolves with its exit, or with undefined at the deadline. */
async function exitWithin(life: KeptLife, id: string, timeoutMs: number): Promise<ExitStatus | undefined> {
  const ended = new AbortController();
  let exit: ExitStatus | undefined;
  const listener = (found: ExitStatus): void => {
    exit = found;
    ended.abort();
  };
  const stop = life.listeners.add(id, { listener, ended: keptRecordOf(life, id).ended });
  await life.clock.sleep(timeoutMs, ended.signal);
  stop();
  return exit;
}

/** Sends its main process a signal: that very one, whoever keeps it. */
function signalMain({ main }: KeptRecord, signal: NodeJS.Signals): void {
  if (main === undefined || !isAlive(main.pid, main.startTicks)) return;
  try {
    process.kill(main.pid, signal);
  } catch {
    // It ended by itself.
  }
}

/** Ends an instance: signal, grace, then KILL of all of it. @throws SluiceError `failed` if it cannot be killed */
export async function stopKept(life: KeptLife, id: string, options: StopOptions): Promise<ExitStatus> {
  const found = await lookKept(life, id);
  if (found.kind === 'exited') return found.exit;
  signalMain(keptRecordOf(life, id), options.signal);
  const gone = await exitWithin(life, id, options.graceMs);
  if (gone !== undefined) return gone;
  await life.keeper.kill(keptRecordOf(life, id));
  const killed = await exitWithin(life, id, KILL_TIMEOUT_MS);
  if (killed !== undefined) return killed;
  throw new SluiceError('failed', `instance ${id} cannot be killed`, {
    why: `it is still there ${KILL_TIMEOUT_MS} ms after SIGKILL: it hangs in the kernel`,
    fix: 'look at the disks and mounts that it uses',
    details: { instance: id, pid: keptRecordOf(life, id).main?.pid },
  });
}
