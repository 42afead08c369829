/**
 * Owns the driver `process`: plain processes of this node, each kept by a shim that outlives the agent. Joins start, stop, tracking, use and
 * logs; an id is worked on by one start or removal at a time.
 */
import { availableParallelism } from 'node:os';
import path from 'node:path';
import type { Clock } from '../../host/clock.ts';
import { closeInheritedFds } from '../../host/inherited-fds.ts';
import type { Log } from '../../host/log.ts';
import { bootId as readBootId } from '../../host/proc-stat.ts';
import { SluiceError } from '../../errors.ts';
import type { Admit } from '../admission.ts';
import { createLaunches } from '../launches.ts';
import { cgroupPartsOf, removeParents, sweepCgroups } from '../cgroup/cgroup.ts';
import { type CgroupMounts, readCgroupMounts } from '../cgroup/mounts.ts';
import type { Driver, Observed, StartOrder } from '../driver.ts';
import { checkId } from '../instance-id.ts';
import { createInstanceLogs, type InstanceLogs } from '../logs/instance-logs.ts';
import { readLogs } from '../logs/read-logs.ts';
import { openScriptFile } from '../script-file.ts';
import type { Slots } from '../slots.ts';
import { createTurns, type Turns } from '../turns.ts';
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
import { type StartContext, startRun } from './start.ts';
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

/** Starts at the same time, in the order of the calls: more than there are processors only take each other's time, and that of instances that serve. */
const launchesAtOnce = (): number => Math.max(2, availableParallelism());

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

/** What the driver's functions share. */
interface Parts {
  readonly context: StartContext;
  readonly tracker: Tracker;
  readonly turns: Turns;
  readonly launches: Slots;
  readonly logs: InstanceLogs;
}

/** The record of an id, followed from now on. @throws SluiceError `not-found` */
function recordOf({ tracker, context }: Parts, id: string): InstanceRecord {
  const tracked = tracker.record(checkId(id));
  if (tracked !== undefined) return tracked;
  const record = readRecord(context.folders, id);
  if (record === undefined) throw unknown(id);
  tracker.track(record);
  return record;
}

async function look(parts: Parts, id: string): Promise<Observed> {
  const record = recordOf(parts, id);
  return observed(record, await parts.tracker.look(id), parts.context.bootId);
}

/** Ids with a record; a folder without one is left of a removal. */
function knownIds(parts: Parts): readonly string[] {
  return recordedIds(parts.context.folders).filter((id) => {
    try {
      return recordOf(parts, id).id === id;
    } catch {
      return false;
    }
  });
}

async function start(parts: Parts, order: StartOrder): Promise<Observed> {
  const { context, tracker } = parts;
  if ((tracker.record(order.id) ?? readRecord(context.folders, order.id)) !== undefined) {
    const present = await look(parts, order.id);
    if (present.kind === 'running') return present;
    await tracker.settled(order.id);
  }
  let recorded = false;
  try {
    await parts.launches(() =>
      startRun(order, context, (record) => {
        recorded = true;
        tracker.track(record);
      }),
    );
  } catch (error) {
    // What is left of it is ended.
    if (recorded) void tracker.look(order.id);
    throw error;
  }
  return await look(parts, order.id);
}

async function remove(parts: Parts, id: string): Promise<void> {
  if ((await look(parts, id)).kind === 'running') {
    throw new SluiceError('failed', `instance ${id} runs`, { fix: 'stop it first' });
  }
  await parts.tracker.settled(id);
  parts.tracker.forget(id);
  parts.logs.forget(id);
  await removeFiles(parts.context.folders, id);
}

/** Folders and control groups. Needs no room on the disk where an agent ran before: its instances must be found on a full one, too. */
async function openContext(options: ProcessDriverOptions): Promise<StartContext> {
  const { root, clock, log, admit } = options;
  const folders = foldersBelow(root);
  await makeFolders(folders);
  closeInheritedFds();
  const mounts = options.mounts ?? readCgroupMounts();
  const cgroupParts = cgroupPartsOf(root);
  const known = recordedIds(folders).map((id) => `${id}.${readRecord(folders, id)?.run}`);
  await sweepCgroups(mounts, cgroupParts, new Set(known));
  const bootId = options.bootId ?? readBootId();
  const file = path.join(root, 'shim.sh');
  const script = openScriptFile(file, SHIM_SCRIPT, () =>
    log.info('the shim was replaced by that of this version; instances that run keep theirs', { file }),
  );
  return { folders, script, bootId, log, clock, admit, mounts, cgroupParts };
}

async function openParts(options: ProcessDriverOptions): Promise<Parts> {
  const context = await openContext(options);
  const { folders, bootId, clock } = context;
  const { log } = options;
  const tracker = createTracker({ folders, bootId, clock, log });
  const running = (): readonly InstanceRecord[] => tracker.running();
  const logs = createInstanceLogs({ clock, log, folder: (id) => folderOf(folders, id), running });
  return {
    context,
    tracker,
    turns: createTurns(),
    launches: createLaunches({ count: launchesAtOnce(), clock }),
    logs,
  };
}

/**
 * Opens the driver; instances of earlier agents are found by `list`.
 * @throws SluiceError `failed`, `permission` if its folder cannot be made
 */
export async function openProcessDriver(options: ProcessDriverOptions): Promise<Driver> {
  const parts = await openParts(options);
  const { tracker, turns, logs, context } = parts;
  const { clock, mounts, folders, cgroupParts } = context;
  return {
    name: 'process',
    fingerprint: () => fingerprintProcess(mounts),
    start: async (order) => await turns.take(checkId(order.id), () => start(parts, order)),
    list: () => Promise.all(knownIds(parts).map((id) => turns.take(id, () => look(parts, id)))),
    onExit: (id, listener) => {
      recordOf(parts, id);
      return tracker.onExit(id, listener);
    },
    isHalted: tracker.isHalted,
    stop: async (id, stopOptions) => {
      recordOf(parts, id);
      const exit = await stopRun(tracker, id, { ...stopOptions, clock });
      await tracker.settled(id);
      return exit;
    },
    remove: async (id) => await turns.take(checkId(id), () => remove(parts, id)),
    usage: async (ids) => {
      const used = ids.flatMap((id) => {
        const main = tracker.main(id);
        return main === undefined ? [] : [{ id, mainPid: main.pid, cgroups: tracker.record(id)?.cgroups }];
      });
      return await Promise.resolve(usageOf(used));
    },
    logs: (id, logOptions) => {
      recordOf(parts, id);
      return readLogs(logs.files(id, logOptions.stream), logOptions, clock);
    },
    close: async () => {
      await logs.close();
      await tracker.close();
      if (recordedIds(folders).length === 0) await removeParents(mounts, cgroupParts);
    },
  };
}
