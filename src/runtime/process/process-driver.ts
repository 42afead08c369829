/**
 * Owns the driver `process`: plain processes of this node, each kept by a shim that outlives the agent. Joins start, stop, tracking, use and
 * logs; an id is worked on by one start or removal at a time.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { Clock } from '../../host/clock.ts';
import { writeAtomic } from '../../host/files.ts';
import { closeInheritedFds } from '../../host/inherited-fds.ts';
import type { Log } from '../../host/log.ts';
import { bootId as readBootId } from '../../host/proc-stat.ts';
import { SluiceError } from '../../errors.ts';
import type { Admit } from '../admission.ts';
import { removeParents, sweepCgroups } from '../cgroup/cgroup.ts';
import { type CgroupMounts, readCgroupMounts } from '../cgroup/mounts.ts';
import type { Driver, Observed } from '../driver.ts';
import { checkId } from '../instance-id.ts';
import { createInstanceLogs, type InstanceLogs } from '../logs/instance-logs.ts';
import { readLogs } from '../logs/read-logs.ts';
import { createTurns } from '../turns.ts';
import { fingerprintProcess } from './fingerprint.ts';
import {
  folderOf,
  foldersBelow,
  makeFolders,
  readRecord,
  type InstanceRecord,
  recordedIds,
  removeFiles,
} from './record.ts';
import { SHIM_SCRIPT } from './shim.ts';
import { startRun } from './start.ts';
import { stopRun } from './stop.ts';
import { createTracker, type Settled, type Tracker } from './tracker.ts';
import { usageOf } from './usage.ts';

/** What the driver is given. */
export interface ProcessDriverOptions {
  /** The driver's own folder, made if absent. On a disk: it must be there after a reboot. */
  readonly root: string;
  /** Asked right before every start. */
  readonly admit: Admit;
  readonly clock: Clock;
  readonly log: Log;
  /** Control groups of this node; default: read now. Without any, limits are not enforced and notes say so. */
  readonly mounts?: CgroupMounts | undefined;
  /** Default: that of the running kernel. */
  readonly bootId?: string | undefined;
}

function unknown(id: string): SluiceError {
  return new SluiceError('not-found', `there is no instance ${id} here`, {
    why: 'the process driver has no record of it',
    details: { instance: id },
  });
}

function observed(record: InstanceRecord, sight: Settled, bootId: string): Observed {
  const { id, service, port, startedAt, notes } = record;
  if (sight.kind === 'exited') return { kind: 'exited', id, service, port, exit: sight.exit };
  const { pid, startTicks } = sight.main;
  return { kind: 'running', id, service, port, main: { bootId, pid, startTicks }, startedAt, notes };
}

/** The record of an id, followed from now on. @throws SluiceError `not-found` */
function recordOf(tracker: Tracker, root: string, id: string): InstanceRecord {
  const tracked = tracker.record(checkId(id));
  if (tracked !== undefined) return tracked;
  const record = readRecord(foldersBelow(root), id);
  if (record === undefined) throw unknown(id);
  tracker.track(record);
  return record;
}

/** Writes the shim's script where shims read it; those that run keep the one they have open. */
async function writeScript(file: string): Promise<void> {
  await writeAtomic(file, SHIM_SCRIPT);
}

/**
 * Opens the driver; instances of earlier agents are found by `list`.
 * @throws SluiceError `failed`, `permission` if its folder cannot be made
 */
export async function openProcessDriver(options: ProcessDriverOptions): Promise<Driver> {
  const { root, clock, log, admit } = options;
  const folders = foldersBelow(root);
  await makeFolders(folders);
  const script = path.join(root, 'shim.sh');
  await writeScript(script);
  closeInheritedFds();
  const bootId = options.bootId ?? readBootId();
  const mounts = options.mounts ?? readCgroupMounts();
  const cgroupParts = ['sluice', createHash('sha256').update(path.resolve(root)).digest('hex').slice(0, 12)];
  const known = recordedIds(folders).map((id) => `${id}.${readRecord(folders, id)?.run}`);
  await sweepCgroups(mounts, cgroupParts, new Set(known));
  const context = { folders, script, bootId, clock, admit, mounts, cgroupParts };
  const tracker = createTracker({ folders, bootId, clock, log });
  const turns = createTurns();
  const logs: InstanceLogs = createInstanceLogs({
    clock,
    log,
    folder: (id) => folderOf(folders, id),
    running: () => [...tracker.running()],
  });
  const look = async (id: string): Promise<Observed> => {
    const record = recordOf(tracker, root, id);
    return observed(record, await tracker.look(id), bootId);
  };
  return {
    name: 'process',
    fingerprint: () => fingerprintProcess(mounts),
    start: async (order) =>
      await turns.take(checkId(order.id), async () => {
        if ((tracker.record(order.id) ?? readRecord(folders, order.id)) !== undefined) {
          const present = await look(order.id);
          if (present.kind === 'running') return present;
          await tracker.settled(order.id);
        }
        let recorded = false;
        try {
          await startRun(order, context, (record) => {
            recorded = true;
            tracker.track(record);
          });
        } catch (error) {
          if (recorded) void tracker.look(order.id);
          throw error;
        }
        return await look(order.id);
      }),
    list: () =>
      Promise.all(
        recordedIds(folders)
          .filter((id) => readable(id, tracker, root))
          .map((id) => look(id)),
      ),
    onExit: (id, listener) => {
      recordOf(tracker, root, id);
      return tracker.onExit(id, listener);
    },
    stop: async (id, stopOptions) => {
      recordOf(tracker, root, id);
      const exit = await stopRun(tracker, id, { ...stopOptions, clock });
      await tracker.settled(id);
      return exit;
    },
    remove: async (id) =>
      await turns.take(checkId(id), async () => {
        if ((await look(id)).kind === 'running') {
          throw new SluiceError('failed', `instance ${id} runs`, { fix: 'stop it first' });
        }
        await tracker.settled(id);
        tracker.forget(id);
        logs.forget(id);
        await removeFiles(folders, id);
      }),
    usage: async (ids) => {
      const used = ids.flatMap((id) => {
        const main = tracker.main(id);
        return main === undefined ? [] : [{ id, mainPid: main.pid, cgroups: tracker.record(id)?.cgroups }];
      });
      return await Promise.resolve(usageOf(used));
    },
    logs: (id, logOptions) => {
      recordOf(tracker, root, id);
      return readLogs(logs.files(id, logOptions.stream), logOptions, clock);
    },
    close: async () => {
      await logs.close();
      await tracker.close();
      if (recordedIds(folders).length === 0) await removeParents(mounts, cgroupParts);
    },
  };
}

/** True if there is a record of the id; a folder without one is left of a removal. */
function readable(id: string, tracker: Tracker, root: string): boolean {
  try {
    recordOf(tracker, root, id);
    return true;
  } catch {
    return false;
  }
}
