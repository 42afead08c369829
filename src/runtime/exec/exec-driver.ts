/**
 * Owns the driver `exec`: an administrator's own start, stop and status commands. Nothing is known of processes but what `status` says; what
 * `start` leaves running is held together by control groups, where the node has them, and ends with the instance.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../host/clock.ts';
import { closeInheritedFds } from '../../host/inherited-fds.ts';
import type { Log } from '../../host/log.ts';
import { bootId } from '../../host/proc-stat.ts';
import { SluiceError } from '../../errors.ts';
import type { Admit } from '../admission.ts';
import { cgroupPartsOf, removeParents, sweepCgroups } from '../cgroup/cgroup.ts';
import { type CgroupMounts, readCgroupMounts } from '../cgroup/mounts.ts';
import type { Driver, Observed, StartOrder, Usage } from '../driver.ts';
import { removeInstanceFolder } from '../instance-folders.ts';
import { checkId } from '../instance-id.ts';
import { createInstanceLogs, type InstanceLogs } from '../logs/instance-logs.ts';
import { readLogs } from '../logs/read-logs.ts';
import { fingerprintProcess } from '../process/fingerprint.ts';
import { usageOf } from '../process/usage.ts';
import { createTurns, type Turns } from '../turns.ts';
import { type ExecLife, execRecordOf, lookExec, startExec, stopExec } from './life.ts';
import { execFolder, execIds, type ExecRecord, readExecRecord } from './record.ts';
import { createWatch, type Watch } from './watch.ts';

/** What the driver is given. */
export interface ExecDriverOptions {
  /** The driver's own folder, made if absent. */
  readonly root: string;
  readonly admit: Admit;
  readonly clock: Clock;
  readonly log: Log;
  readonly mounts?: CgroupMounts | undefined;
}

interface Parts {
  readonly life: ExecLife;
  readonly turns: Turns;
  readonly watch: Watch;
  readonly logs: InstanceLogs;
  readonly closing: AbortController;
}

async function openParts({ root, clock, log, admit, ...options }: ExecDriverOptions): Promise<Parts> {
  await mkdir(path.join(root, 'instances'), { recursive: true, mode: 0o700 });
  closeInheritedFds();
  const mounts = options.mounts ?? readCgroupMounts();
  const cgroupParts = cgroupPartsOf(root);
  const groups = execIds(root).flatMap((id) => readExecRecord(root, id)?.cgroups?.folders ?? []);
  await sweepCgroups(mounts, cgroupParts, new Set(groups.map((folder) => path.basename(folder))));
  const closing = new AbortController();
  const turns = createTurns();
  const records = new Map<string, ExecRecord>();
  const running = (): readonly ExecRecord[] =>
    [...records.values()].filter(({ ended }) => ended === undefined);
  const watch: Watch = createWatch({
    clock,
    ids: () => running().map(({ id }) => id),
    look: async (id) => void (await turns.take(id, () => lookExec(life, id))),
  });
  const life: ExecLife = {
    root,
    clock,
    log,
    admit,
    mounts,
    cgroupParts,
    records,
    bootId: bootId(),
    onEnded: watch.tell,
    signal: closing.signal,
  };
  const logs = createInstanceLogs({ clock, log, folder: (id) => execFolder(root, id), running });
  return { life, turns, watch, logs, closing };
}

async function start({ life }: Parts, order: StartOrder): Promise<Observed> {
  if ((life.records.get(order.id) ?? readExecRecord(life.root, order.id)) !== undefined) {
    const present = await lookExec(life, order.id);
    if (present.kind === 'running') return present;
  }
  return await startExec(life, order);
}

async function remove({ life, logs }: Parts, id: string): Promise<void> {
  if ((await lookExec(life, id)).kind === 'running') {
    throw new SluiceError('failed', `instance ${id} runs`, { fix: 'stop it first' });
  }
  life.records.delete(id);
  logs.forget(id);
  await removeInstanceFolder(execFolder(life.root, id));
}

/** Only what control groups count: processes are not known. */
function usage({ records }: ExecLife, ids: readonly string[]): ReadonlyMap<string, Usage> {
  const used = ids.flatMap((id) => {
    const record = records.get(id);
    const isCounted = record?.cgroups !== undefined && record.ended === undefined;
    return isCounted ? [{ id, mainPid: 0, cgroups: record.cgroups }] : [];
  });
  return usageOf(used);
}

/** Opens the driver. @throws SluiceError `failed` if its folder cannot be made */
export async function openExecDriver(options: ExecDriverOptions): Promise<Driver> {
  const parts = await openParts(options);
  const { life, turns, watch, logs } = parts;
  const { root, mounts, cgroupParts, clock } = life;
  return {
    name: 'exec',
    fingerprint: () => fingerprintProcess(mounts),
    start: async (order) => await turns.take(checkId(order.id), () => start(parts, order)),
    list: () =>
      Promise.all(
        execIds(root)
          .filter((id) => readExecRecord(root, id) !== undefined)
          .map((id) => turns.take(id, () => lookExec(life, id))),
      ),
    onExit: (id, listener) => watch.add(id, { listener, ended: execRecordOf(life, id).ended }),
    stop: async (id, stopOptions) => await turns.take(checkId(id), () => stopExec(life, id, stopOptions)),
    remove: async (id) => await turns.take(checkId(id), () => remove(parts, id)),
    usage: async (ids) => await Promise.resolve(usage(life, ids)),
    logs: (id, logOptions) => {
      execRecordOf(life, id);
      return readLogs(logs.files(id, logOptions.stream), logOptions, clock);
    },
    close: async () => {
      parts.closing.abort();
      await Promise.all([watch.close(), logs.close()]);
      if (execIds(root).length === 0) await removeParents(mounts, cgroupParts);
    },
  };
}
