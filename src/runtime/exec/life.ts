/** Owns the life of instances of driver exec: starting, asking, stopping them with the administrator's commands, and what is known of their ends. */
import type { Clock } from '../../host/clock.ts';
import { randomId } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import { SluiceError } from '../../errors.ts';
import type { Admit } from '../admission.ts';
import { makeCgroups, outOfMemoryKills } from '../cgroup/cgroup.ts';
import type { CgroupMounts } from '../cgroup/mounts.ts';
import type { ExitStatus, Observed, StartOrder, StopOptions } from '../driver.ts';
import { checkId } from '../instance-id.ts';
import { checkWords } from '../launch/check-environment.ts';
import { userOf } from '../launch/identity.ts';
import { filesLimit } from '../launch/launch.ts';
import { endGroups } from '../process/leftovers.ts';
import { askStatus, type ExecStatus, execVariables, runStart, runStop } from './commands.ts';
import { type ExecRecord, readExecRecord, writeExecRecord } from './record.ts';

/** What the functions here share. */
export interface ExecLife {
  readonly root: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly admit: Admit;
  readonly bootId: string;
  readonly mounts: CgroupMounts;
  readonly cgroupParts: readonly string[];
  /** What is known in this process; on disk is the same. */
  readonly records: Map<string, ExecRecord>;
  /** Told of every end. */
  readonly onEnded: (id: string, exit: ExitStatus) => void;
  /** Ends waiting and commands under way. */
  readonly signal: AbortSignal;
}

/** How long `status` may say "not running" after `start` said that it is done. */
const UP_MS = 5_000;
const PAUSE_MS = 100;
/** A stop command has some time even without a grace. */
const MIN_STOP_MS = 1_000;

/** The record of an id. @throws SluiceError `not-found` */
export function execRecordOf({ root, records }: ExecLife, id: string): ExecRecord {
  const record = records.get(checkId(id)) ?? readExecRecord(root, id);
  if (record === undefined) {
    throw new SluiceError('not-found', `there is no instance ${id} here`, {
      why: 'the exec driver has no record of it',
      details: { instance: id },
    });
  }
  records.set(id, record);
  return record;
}

function observed(record: ExecRecord, notes: readonly string[] = []): Observed {
  const { id, service, port, startedAt, ended } = record;
  if (ended !== undefined) return { kind: 'exited', id, service, port, exit: ended };
  return {
    kind: 'running',
    id,
    service,
    port,
    main: undefined,
    startedAt,
    notes: [...record.notes, ...notes],
  };
}

/** It does not run any more. Nobody sees how: with what code is not known. */
async function end(life: ExecLife, record: ExecRecord): Promise<ExitStatus> {
  const { clock, log, root, records } = life;
  const { id } = record;
  const cgroups = record.bootId === life.bootId ? record.cgroups : undefined;
  const outOfMemory = cgroups !== undefined && outOfMemoryKills(cgroups) > 0;
  const at = clock.now().toISOString();
  const exit: ExitStatus = { code: undefined, signal: undefined, outOfMemory, at, lost: true };
  records.set(id, { ...record, ended: exit });
  life.onEnded(id, exit);
  if (cgroups !== undefined) await endGroups(cgroups, clock);
  await writeExecRecord(root, { ...record, ended: exit }).catch((error: unknown) =>
    log.error('the end of an instance cannot be written down', { instance: id, why: String(error) }),
  );
  return exit;
}

/** What `status` says now; "not running" ends the instance. */
export async function lookExec(life: ExecLife, id: string): Promise<Observed> {
  const record = execRecordOf(life, id);
  if (record.ended !== undefined) return observed(record);
  const status = await askStatus(life.root, record, life.signal);
  const now = execRecordOf(life, id);
  if (now.ended !== undefined || status.kind === 'running') return observed(now);
  if (status.kind === 'unknown') return observed(now, [`status is not known: ${status.why}`]);
  await end(life, record);
  return observed(execRecordOf(life, id));
}

async function statusWithin(
  life: ExecLife,
  record: ExecRecord,
  { wanted, timeoutMs }: { readonly wanted: ExecStatus['kind']; readonly timeoutMs: number },
): Promise<boolean> {
  const { root, clock, signal } = life;
  const deadline = clock.monotonicMs() + timeoutMs;
  for (;;) {
    if ((await askStatus(root, record, signal)).kind === wanted) return true;
    if (clock.monotonicMs() >= deadline || signal.aborted) return false;
    await clock.sleep(PAUSE_MS, signal);
  }
}

/** Everything checked, groups made, nothing written or started. */
async function prepare(
  life: ExecLife,
  order: StartOrder,
): Promise<{ readonly record: ExecRecord; readonly command: readonly string[] }> {
  const env = execVariables(order);
  checkWords(order.command, env);
  const user = await userOf(order.user);
  const { command, hooks, workingDirectory } = await life.admit('exec', order);
  if (hooks === undefined) {
    throw new SluiceError('failed', `instance ${order.id} has no stop and status commands`, {
      fix: 'give the template hooks',
    });
  }
  const { files, notes } = filesLimit(order.limits.files);
  const group = `${order.id}.${randomId()}`;
  const setup = makeCgroups(life.mounts, [...life.cgroupParts, group], order.limits);
  const record: ExecRecord = {
    format: 1,
    id: order.id,
    service: order.service,
    port: order.port,
    logs: order.logs,
    hooks,
    env,
    workingDirectory,
    user,
    files,
    bootId: life.bootId,
    startedAt: life.clock.now().toISOString(),
    cgroups: setup.groups,
    notes: [...setup.notes, ...notes],
  };
  return { record, command };
}

/**
 * Starts what does not run.
 * @throws SluiceError `permission`, `config`, `failed`; then what was started of it is ended
 */
export async function startExec(life: ExecLife, order: StartOrder): Promise<Observed> {
  const { root, signal } = life;
  const { record, command } = await prepare(life, order);
  try {
    await writeExecRecord(root, record);
    life.records.set(order.id, record);
    await runStart(root, record, { command, signal });
    if (await statusWithin(life, record, { wanted: 'running', timeoutMs: UP_MS })) return observed(record);
    throw new SluiceError('failed', `instance ${order.id} cannot be started`, {
      why: `its status command does not say that it runs ${UP_MS} ms after its start command ended with 0`,
      fix: 'status must end with 0 if it runs and with 3 if it does not',
    });
  } catch (error) {
    await end(life, record);
    throw error;
  }
}

/**
 * Stops it by its command; then, where groups hold it together, by force.
 * @throws SluiceError `failed` if `status` does not say that it has stopped
 */
export async function stopExec(life: ExecLife, id: string, { graceMs }: StopOptions): Promise<ExitStatus> {
  const record = execRecordOf(life, id);
  if (record.ended !== undefined) return record.ended;
  const { root, clock, signal } = life;
  const timeoutMs = Math.max(graceMs, MIN_STOP_MS);
  const deadline = clock.monotonicMs() + timeoutMs;
  const isStopped = (ms: number): Promise<boolean> =>
    statusWithin(life, record, { wanted: 'stopped', timeoutMs: Math.max(0, ms) });
  await runStop(root, record, { timeoutMs, signal });
  if (await isStopped(deadline - clock.monotonicMs())) return await end(life, record);
  if (record.cgroups !== undefined && record.bootId === life.bootId) {
    await endGroups(record.cgroups, clock);
    if (await isStopped(MIN_STOP_MS)) return await end(life, record);
  }
  throw new SluiceError('failed', `instance ${id} cannot be stopped`, {
    why: 'its status command does not say that it is stopped after its stop command and its grace',
    fix: 'stop it by hand; status must then end with 3',
    details: { instance: id },
  });
}
