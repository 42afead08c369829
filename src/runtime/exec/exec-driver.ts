/**
 * Owns the driver `exec`: an administrator's own start, stop and status commands. Nothing is known of processes but what `status` says; what
 * `start` leaves running is held together by control groups, where the node has them, and ends with the instance.
 */
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../host/clock.ts';
import { randomId } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import { bootId as readBootId } from '../../host/proc-stat.ts';
import { SluiceError } from '../../errors.ts';
import type { Admit } from '../admission.ts';
import { makeCgroups, outOfMemoryKills, removeParents, sweepCgroups } from '../cgroup/cgroup.ts';
import { type CgroupMounts, readCgroupMounts } from '../cgroup/mounts.ts';
import type { Driver, ExitStatus, Observed, StartOrder, StopOptions } from '../driver.ts';
import { checkId } from '../instance-id.ts';
import { checkWords } from '../launch/check-environment.ts';
import { userOf } from '../launch/identity.ts';
import { filesLimit } from '../launch/launch.ts';
import { createInstanceLogs } from '../logs/instance-logs.ts';
import { readLogs } from '../logs/read-logs.ts';
import { endLeftovers } from '../process/leftovers.ts';
import { fingerprintProcess } from '../process/fingerprint.ts';
import { usageOf } from '../process/usage.ts';
import { createTurns } from '../turns.ts';
import { askStatus, type ExecStatus, execVariables, runStart, runStop } from './commands.ts';
import {
  execFolder,
  execIds,
  type ExecRecord,
  readExecRecord,
  removeExecFiles,
  writeExecRecord,
} from './record.ts';
import { createWatch } from './watch.ts';

/** What the driver is given. */
export interface ExecDriverOptions {
  /** The driver's own folder, made if absent. */
  readonly root: string;
  readonly admit: Admit;
  readonly clock: Clock;
  readonly log: Log;
  readonly mounts?: CgroupMounts | undefined;
}

/** How long `status` may say "not running" after `start` said that it is done. */
const UP_MS = 5_000;
const PAUSE_MS = 100;
/** A stop command has some time even without a grace. */
const MIN_STOP_MS = 1_000;

function unknown(id: string): SluiceError {
  return new SluiceError('not-found', `there is no instance ${id} here`, {
    why: 'the exec driver has no record of it',
    details: { instance: id },
  });
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

/** Opens the driver. @throws SluiceError `failed` if its folder cannot be made */
export async function openExecDriver(options: ExecDriverOptions): Promise<Driver> {
  const { root, clock, log, admit } = options;
  await mkdir(path.join(root, 'instances'), { recursive: true, mode: 0o700 });
  const bootId = readBootId();
  const mounts = options.mounts ?? readCgroupMounts();
  const parts = ['sluice', createHash('sha256').update(path.resolve(root)).digest('hex').slice(0, 12)];
  const groups = execIds(root).flatMap((id) => readExecRecord(root, id)?.cgroups?.folders ?? []);
  await sweepCgroups(mounts, parts, new Set(groups.map((folder) => path.basename(folder))));
  const closing = new AbortController();
  const { signal } = closing;
  const turns = createTurns();
  const records = new Map<string, ExecRecord>();

  const known = (id: string): ExecRecord => {
    const record = records.get(checkId(id)) ?? readExecRecord(root, id);
    if (record === undefined) throw unknown(id);
    records.set(id, record);
    return record;
  };
  /** Nobody sees how it ended: with what code is not known. */
  const end = async (record: ExecRecord): Promise<ExitStatus> => {
    const cgroups = record.bootId === bootId ? record.cgroups : undefined;
    const outOfMemory = cgroups !== undefined && outOfMemoryKills(cgroups) > 0;
    const at = clock.now().toISOString();
    const exit: ExitStatus = { code: undefined, signal: undefined, outOfMemory, at, lost: true };
    records.set(record.id, { ...record, ended: exit });
    watch.ended(record.id, exit);
    if (cgroups !== undefined) await endLeftovers({ id: record.id, main: undefined, cgroups }, clock);
    await writeExecRecord(root, { ...record, ended: exit }).catch((error: unknown) =>
      log.error('the end of an instance cannot be written down', { instance: record.id, why: String(error) }),
    );
    return exit;
  };
  /** What `status` says; "not running" ends the instance. */
  const look = async (id: string): Promise<Observed> => {
    const record = known(id);
    if (record.ended !== undefined) return observed(record);
    const status = await askStatus(root, record, signal);
    if (known(id).ended !== undefined || status.kind === 'running') return observed(known(id));
    if (status.kind === 'unknown') return observed(record, [`status is not known: ${status.why}`]);
    await end(record);
    return observed(known(id));
  };
  const watch = createWatch({
    clock,
    ids: () => [...records.values()].filter(({ ended }) => ended === undefined).map(({ id }) => id),
    look: async (id) => {
      await turns.take(id, () => look(id));
    },
  });
  const logs = createInstanceLogs({
    clock,
    log,
    folder: (id) => execFolder(root, id),
    running: () => [...records.values()].filter(({ ended }) => ended === undefined),
  });
  const statusWithin = async (
    record: ExecRecord,
    wanted: ExecStatus['kind'],
    ms: number,
  ): Promise<boolean> => {
    const deadline = clock.monotonicMs() + ms;
    for (;;) {
      if ((await askStatus(root, record, signal)).kind === wanted) return true;
      if (clock.monotonicMs() >= deadline || signal.aborted) return false;
      await clock.sleep(PAUSE_MS, signal);
    }
  };
  const startNew = async (order: StartOrder): Promise<Observed> => {
    const env = execVariables(order);
    checkWords(order.command, env);
    const user = await userOf(order.user);
    const { command, hooks, workingDirectory } = await admit('exec', order);
    if (hooks === undefined) {
      throw new SluiceError('failed', `instance ${order.id} has no stop and status commands`, {
        fix: 'give the template hooks',
      });
    }
    const { files, notes } = filesLimit(order.limits.files);
    const setup = makeCgroups(mounts, [...parts, `${order.id}.${randomId()}`], order.limits);
    const record: ExecRecord = {
      format: 1,
      id: order.id,
      service: order.service,
      port: order.port,
      bootId,
      startedAt: clock.now().toISOString(),
      hooks,
      env,
      workingDirectory,
      user,
      files,
      cgroups: setup.groups,
      notes: [...setup.notes, ...notes],
      logs: order.logs,
    };
    try {
      await writeExecRecord(root, record);
      records.set(order.id, record);
      await runStart(root, record, { command, signal });
      if (!(await statusWithin(record, 'running', UP_MS))) {
        throw new SluiceError('failed', `instance ${order.id} cannot be started`, {
          why: `its status command does not say that it runs ${UP_MS} ms after its start command ended with 0`,
          fix: 'status must end with 0 if it runs and with 3 if it does not',
        });
      }
    } catch (error) {
      await end(record);
      throw error;
    }
    return observed(record);
  };
  const stopNow = async (id: string, { graceMs }: StopOptions): Promise<ExitStatus> => {
    const record = known(id);
    if (record.ended !== undefined) return record.ended;
    const deadline = clock.monotonicMs() + Math.max(graceMs, MIN_STOP_MS);
    await runStop(root, record, { timeoutMs: Math.max(graceMs, MIN_STOP_MS), signal });
    const left = Math.max(0, deadline - clock.monotonicMs());
    if (await statusWithin(record, 'stopped', left)) return await end(record);
    if (record.cgroups !== undefined) {
      await endLeftovers({ id, main: undefined, cgroups: record.cgroups }, clock);
      if (await statusWithin(record, 'stopped', MIN_STOP_MS)) return await end(record);
    }
    throw new SluiceError('failed', `instance ${id} cannot be stopped`, {
      why: 'its status command does not say that it is stopped after its stop command and its grace',
      fix: 'stop it by hand; status must then end with 3',
      details: { instance: id },
    });
  };
  return {
    name: 'exec',
    fingerprint: () => fingerprintProcess(mounts),
    start: async (order) =>
      await turns.take(checkId(order.id), async () => {
        if ((records.get(order.id) ?? readExecRecord(root, order.id)) !== undefined) {
          const present = await look(order.id);
          if (present.kind === 'running') return present;
        }
        return await startNew(order);
      }),
    list: () =>
      Promise.all(
        execIds(root)
          .filter((id) => readExecRecord(root, id) !== undefined)
          .map((id) => turns.take(id, () => look(id))),
      ),
    onExit: (id, listener) => watch.onExit(id, { listener, ended: known(id).ended }),
    stop: async (id, stopOptions) => await turns.take(checkId(id), () => stopNow(id, stopOptions)),
    remove: async (id) =>
      await turns.take(checkId(id), async () => {
        if ((await look(id)).kind === 'running') {
          throw new SluiceError('failed', `instance ${id} runs`, { fix: 'stop it first' });
        }
        records.delete(id);
        logs.forget(id);
        await removeExecFiles(root, id);
      }),
    usage: async (ids) => {
      const used = ids.flatMap((id) => {
        const record = records.get(id);
        const isCounted = record?.cgroups !== undefined && record.ended === undefined;
        return isCounted ? [{ id, mainPid: 0, cgroups: record.cgroups }] : [];
      });
      return await Promise.resolve(usageOf(used));
    },
    logs: (id, logOptions) => {
      known(id);
      return readLogs(logs.files(id, logOptions.stream), logOptions, clock);
    },
    close: async () => {
      closing.abort();
      await Promise.all([watch.close(), logs.close()]);
      if (execIds(root).length === 0) await removeParents(mounts, parts);
    },
  };
}
