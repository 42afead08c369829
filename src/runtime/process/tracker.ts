/**
 * Owns noticing that instances have ended: one inotify watch on the folder of exit records, and a slow look at /proc for those whose shim was
 * killed. Tells each listener once, then ends what the program left behind and writes down how it ended.
 */
import { watch, type FSWatcher } from 'node:fs';
import { errnoOf } from '../../host/error-code.ts';
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import { type HeldProcess, holdProcess } from '../../host/held-process.ts';
import { outOfMemoryKills } from '../cgroup/cgroup.ts';
import type { ExitStatus } from '../driver.ts';
import { LOST, UNSTARTED } from '../exit-status.ts';
import { endLeftovers, killProcess } from './leftovers.ts';
import { observe, type Sight } from './observe.ts';
import {
  type Folders,
  readExit,
  readPids,
  type InstanceRecord,
  withdrawRun,
  writeRecord,
  type WrittenPid,
} from './record.ts';

/** What the tracker needs. */
export interface TrackerOptions {
  readonly folders: Folders;
  readonly bootId: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is known of one instance in this process. */
interface Tracked {
  readonly record: InstanceRecord;
  readonly listeners: Set<(exit: ExitStatus) => void>;
  main: WrittenPid | undefined;
  /** Its program, once it was looked at, until its end. */
  held: HeldProcess | undefined;
  /** Its program was stopped by a signal, at the last look. */
  halted: boolean;
  exit: ExitStatus | undefined;
  settled: Promise<void> | undefined;
}

/** A settled look: what is in between was waited for. */
export type Settled = Extract<Sight, { readonly kind: 'running' | 'exited' }>;

/** Follows instances. */
export interface Tracker {
  /** Takes over what is on disk of an instance; a new run replaces the old one. */
  readonly track: (record: InstanceRecord) => void;
  readonly forget: (id: string) => void;
  readonly record: (id: string) => InstanceRecord | undefined;
  readonly running: () => readonly InstanceRecord[];
  /** Its program, unless its end was seen. */
  readonly main: (id: string) => WrittenPid | undefined;
  /** True if its program is stopped by a signal: at the last look, and if so now. */
  readonly isHalted: (id: string) => boolean;
  /** What it is doing; waits while its shim is about to write something. Tells listeners if it has ended. */
  readonly look: (id: string) => Promise<Settled>;
  readonly onExit: (id: string, listener: (exit: ExitStatus) => void) => () => void;
  /** Resolves when an ended instance's leftovers are gone. */
  readonly settled: (id: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** How often /proc is asked; an end without a record is seen within it. */
const POLL_MS = 800;
/** How long a shim may take to write what it is about to; then it hangs, and is killed. */
const CHANGE_MS = { starting: 20_000, ending: 2_000 } as const;
const PAUSE_MS = 5;
/** State of a process of which every thread is stopped by a signal (man 5 proc); `t` is a debugger's. */
const HALTED = 'T';

/** Its program is not looked at any more. */
function letGo(tracked: Tracked | undefined): void {
  tracked?.held?.close();
  if (tracked !== undefined) tracked.held = undefined;
}

/** Opens a tracker; call `track` for each instance. */
export function createTracker(options: TrackerOptions): Tracker {
  const { folders, bootId, clock, log } = options;
  const all = new Map<string, Tracked>();
  const closing = new AbortController();
  let watcher: FSWatcher | undefined;
  let polling: Promise<void> | undefined;

  const finish = async (tracked: Tracked, exit: ExitStatus): Promise<void> => {
    const { record } = tracked;
    // Whoever else has just ended is told first.
    await new Promise((resolve) => void setImmediate(resolve));
    const { main } = readPids(folders, record.id);
    const isThisBoot = record.bootId === bootId;
    const cgroups = isThisBoot ? record.cgroups : undefined;
    const leftovers = { run: record.run, main: isThisBoot ? main : undefined, cgroups };
    if (!(await endLeftovers(leftovers, clock))) {
      log.warn('processes of an ended instance cannot be killed', { instance: record.id });
    }
    await writeRecord(folders, { ...record, ended: exit }).catch((error: unknown) =>
      log.error('the end of an instance cannot be written down', {
        instance: record.id,
        why: String(error),
      }),
    );
  };

  const end = (tracked: Tracked, found: ExitStatus): ExitStatus => {
    if (tracked.exit !== undefined) return tracked.exit;
    const { record } = tracked;
    const byMemory = found.signal === 'SIGKILL' || found.lost;
    const isCounted = byMemory && record.ended === undefined && record.cgroups !== undefined;
    const outOfMemory = isCounted && outOfMemoryKills(record.cgroups) > 0;
    const exit = outOfMemory ? { ...found, outOfMemory } : found;
    tracked.exit = exit;
    letGo(tracked);
    for (const listener of tracked.listeners) listener(exit);
    tracked.listeners.clear();
    tracked.settled = record.ended === undefined ? finish(tracked, exit) : Promise.resolve();
    return exit;
  };

  /** A shim that is on its way and not seen yet ends by it. @returns false if that cannot be made sure of */
  const withdraw = ({ id }: InstanceRecord): boolean => {
    try {
      withdrawRun(folders, id);
      return true;
    } catch (error) {
      log.error('a start that was broken off cannot be withdrawn', { instance: id, why: String(error) });
      return false;
    }
  };

  const look = async (tracked: Tracked): Promise<Settled> => {
    const from = clock.monotonicMs();
    for (;;) {
      if (tracked.exit !== undefined) return { kind: 'exited', exit: tracked.exit };
      const sight = observe(folders, tracked.record, bootId);
      if (sight.kind === 'running') {
        tracked.main = sight.main;
        return sight;
      }
      if (sight.kind === 'exited') return { kind: 'exited', exit: end(tracked, sight.exit) };
      if (sight.kind === 'unstarted') {
        const isWithdrawn = withdraw(tracked.record);
        // A shim that was quicker is seen now.
        if (isWithdrawn && observe(folders, tracked.record, bootId).kind !== 'unstarted') continue;
        return { kind: 'exited', exit: end(tracked, isWithdrawn ? UNSTARTED : LOST) };
      }
      if (clock.monotonicMs() - from >= CHANGE_MS[sight.kind]) {
        if (sight.shim !== undefined) killProcess(sight.shim);
        return { kind: 'exited', exit: end(tracked, LOST) };
      }
      await clock.sleep(PAUSE_MS);
    }
  };

  /** One look at its program, if it has one and its end was not seen. */
  const glance = (tracked: Tracked): void => {
    const { exit, main } = tracked;
    if (exit !== undefined || main === undefined) return;
    tracked.held ??= holdProcess(main.pid, main.startTicks);
    const state = tracked.held?.state();
    tracked.halted = state === HALTED;
    if (state === undefined) void look(tracked);
  };

  const poll = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      for (const tracked of all.values()) glance(tracked);
      await clock.sleep(POLL_MS, closing.signal);
    }
  };

  const begin = (): void => {
    polling ??= poll();
    if (watcher !== undefined) return;
    try {
      watcher = watch(folders.exits, { persistent: false }, (_, name) => {
        const tracked = name === null ? undefined : all.get(name);
        // It is made before a start, too.
        if (tracked !== undefined && readExit(folders, tracked.record) !== undefined) void look(tracked);
      });
      watcher.on('error', (error) =>
        log.warn('ends of instances are seen up to 800 ms late', { why: String(error) }),
      );
    } catch (error) {
      log.warn('ends of instances are seen up to 800 ms late: no inotify watch', {
        why: errnoOf(error) ?? String(error),
      });
    }
  };

  return {
    track: (record) => {
      const listeners = new Set<(exit: ExitStatus) => void>();
      letGo(all.get(record.id));
      all.set(record.id, {
        record,
        listeners,
        main: undefined,
        held: undefined,
        halted: false,
        exit: undefined,
        settled: undefined,
      });
      begin();
    },
    forget: (id) => {
      letGo(all.get(id));
      all.delete(id);
    },
    record: (id) => all.get(id)?.record,
    running: () => [...all.values()].filter(({ exit }) => exit === undefined).map(({ record }) => record),
    main: (id) => {
      const tracked = all.get(id);
      return tracked?.exit === undefined ? tracked?.main : undefined;
    },
    isHalted: (id) => {
      const tracked = all.get(id);
      if (tracked?.halted !== true) return false;
      glance(tracked);
      return tracked.halted;
    },
    look: async (id) => {
      const tracked = all.get(id);
      return tracked === undefined ? { kind: 'exited', exit: LOST } : await look(tracked);
    },
    onExit: (id, listener) => {
      const tracked = all.get(id);
      const exit = tracked?.exit;
      if (exit === undefined) tracked?.listeners.add(listener);
      else queueMicrotask(() => listener(exit));
      return () => tracked?.listeners.delete(listener);
    },
    settled: async (id) => {
      await all.get(id)?.settled;
    },
    close: async () => {
      closing.abort();
      watcher?.close();
      await polling;
      for (const tracked of all.values()) letGo(tracked);
      await Promise.all([...all.values()].flatMap(({ settled }) => settled ?? []));
    },
  };
}
