/**
 * Owns the drivers whose instances somebody else keeps (systemd, podman): the Driver around a Keeper. Joins life, watch, use and logs; an id is
 * worked on by one start or removal at a time.
 */
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import { bootId, readRunState } from '../../host/proc-stat.ts';
import { SluiceError } from '../../errors.ts';
import type { Admit } from '../admission.ts';
import { type CgroupMounts, readCgroupMounts } from '../cgroup/mounts.ts';
import type { Driver, Observed, StartOrder, Usage } from '../driver.ts';
import { createExitListeners } from '../exit-listeners.ts';
import { createLaunches } from '../launches.ts';
import { checkId } from '../instance-id.ts';
import { createInstanceLogs } from '../logs/instance-logs.ts';
import { readLogs } from '../logs/read-logs.ts';
import { usageOf } from '../process/usage.ts';
import { createTurns } from '../turns.ts';
import { removeInstanceFolder } from '../instance-folders.ts';
import { keptFolder, keptIds, makeKeptFolders, readKept } from './files.ts';
import type { Keeper, KeptRecord } from './keeper.ts';
import { keptRecordOf, type KeptLife, lookKept, startKept, stopKept } from './life.ts';
import { watchKept } from './watch.ts';

/** What such a driver is given. */
export interface KeptDriverOptions {
  /** The driver's own folder, made if absent. On a disk: it must be there after a reboot. */
  readonly root: string;
  /** Asked right before every start. */
  readonly admit: Admit;
  readonly clock: Clock;
  readonly log: Log;
  /** Control groups of this node; default: read now. */
  readonly mounts?: CgroupMounts | undefined;
  /** Default: that of the running kernel. */
  readonly bootId?: string | undefined;
}

/** Starts at the same time: a keeper does one after the other anyway. */
const LAUNCHES = 4;
/** A process of which every thread is stopped by a signal (man 5 proc). */
const HALTED = 'T';

async function start(life: KeptLife, order: StartOrder): Promise<Observed> {
  if ((life.records.get(order.id) ?? readKept(life.root, order.id)) !== undefined) {
    const present = await lookKept(life, order.id);
    if (present.kind === 'running') return present;
  }
  return await startKept(life, order);
}

async function remove(life: KeptLife, id: string): Promise<void> {
  if ((await lookKept(life, id)).kind === 'running') {
    throw new SluiceError('failed', `instance ${id} runs`, { fix: 'stop it first' });
  }
  await life.keeper.clear(id);
  life.records.delete(id);
  await removeInstanceFolder(keptFolder(life.root, id));
}

function usage({ records }: KeptLife, ids: readonly string[]): ReadonlyMap<string, Usage> {
  const used = ids.flatMap((id) => {
    const record = records.get(id);
    if (record?.main === undefined || record.ended !== undefined) return [];
    return [{ id, mainPid: record.main.pid, cgroups: record.cgroups }];
  });
  return usageOf(used);
}

function isHalted({ records }: KeptLife, id: string): boolean {
  const main = records.get(id)?.main;
  const stat = main === undefined ? undefined : readRunState(main.pid);
  return stat?.state === HALTED && stat.startTicks === main?.startTicks;
}

/** Opens the driver of a keeper. @throws SluiceError or the system's error if its folder cannot be made */
export async function openKeptDriver(keeper: Keeper, options: KeptDriverOptions): Promise<Driver> {
  const { root, clock, log } = options;
  await makeKeptFolders(root);
  const [turns, launches] = [createTurns(), createLaunches({ count: LAUNCHES, clock })];
  const records = new Map<string, KeptRecord>();
  const life: KeptLife = {
    root,
    keeper,
    clock,
    log,
    bootId: options.bootId ?? bootId(),
    mounts: options.mounts ?? readCgroupMounts(),
    records,
    listeners: createExitListeners(),
    looks: createTurns(),
  };
  const running = (): readonly KeptRecord[] =>
    [...records.values()].filter(({ ended }) => ended === undefined);
  const watch = watchKept({ clock, log, running, look: async (id) => await lookKept(life, id) });
  const logs = createInstanceLogs({ clock, log, folder: (id) => keptFolder(root, id), running });
  const known = (): readonly string[] => keptIds(root).filter((id) => readKept(root, id) !== undefined);
  return {
    name: keeper.name,
    fingerprint: keeper.fingerprint,
    start: async (order) =>
      await turns.take(checkId(order.id), async () => await launches(async () => await start(life, order))),
    list: async () => await Promise.all(known().map(async (id) => await lookKept(life, id))),
    onExit: (id, listener) => life.listeners.add(id, { listener, ended: keptRecordOf(life, id).ended }),
    isHalted: (id) => isHalted(life, id),
    stop: async (id, stopOptions) => await stopKept(life, checkId(id), stopOptions),
    remove: async (id) =>
      await turns.take(checkId(id), async () => {
        await remove(life, id);
        logs.forget(id);
      }),
    usage: async (ids) => await Promise.resolve(usage(life, ids)),
    logs: (id, logOptions) => {
      keptRecordOf(life, id);
      return readLogs(logs.files(id, logOptions.stream), logOptions, clock);
    },
    close: async () => {
      await Promise.all([watch.close(), logs.close()]);
    },
  };
}
