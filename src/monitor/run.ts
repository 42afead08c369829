/** Owns the two ways in which a monitor runs on a node, as the only one there: until a signal, and for one look. */
import { preferSmall } from '../host/memory.ts';
import { expectRest } from '../host/resting.ts';
import { takeSingle } from '../host/single.ts';
import type { Decision } from '../model/decision.ts';
import { createBell } from '../host/bell.ts';
import { createLeading } from './leading.ts';
import { monitorLoop } from './loop.ts';
import type { MonitorOptions } from './options.ts';
import { startWatching } from './watching.ts';

/** Between two tries to be confirmed. */
const PAUSE_MS = 200;
/** Budget of the first listing of `monitor --once`. */
const SYNC_MS = 10_000;
/** Until `monitor --once` has seen that it leads. */
const CONFIRM_MS = 5_000;

/** The right to be this node's monitor. */
const takePlace = async (): ReturnType<typeof takeSingle> =>
  takeSingle({
    socket: 'sluice-monitor',
    what: 'another sluice monitor runs on this node',
    why: 'one on every node is enough: if it leads and fails, that of another node takes over',
    fix: 'stop the other one first, e.g. systemctl stop sluice-monitor (ss -xlp | grep sluice-monitor shows its pid)',
  });

/**
 * Runs the monitor until `options.signal` aborts, and gives the lead up then.
 * @throws SluiceError `locked` if another monitor runs on this node
 */
export async function runMonitor(options: MonitorOptions): Promise<void> {
  preferSmall();
  expectRest();
  const place = await takePlace();
  try {
    await monitorLoop(options);
  } finally {
    await place.release();
  }
}

/** What one look did. */
export interface MonitorOnceReport {
  /** False: another leads, and nothing was decided. */
  readonly led: boolean;
  readonly decisions: readonly Decision[];
}

/**
 * Looks once, if nobody leads, and gives the lead up. It has not watched before, so nothing follows from the silence of nodes.
 * @throws SluiceError `locked`, `unavailable`, `permission`, `config`
 */
export async function monitorOnce(options: MonitorOptions): Promise<MonitorOnceReport> {
  const { clock, log, random, signal } = options;
  const place = await takePlace();
  const store = await options.openStore();
  const bell = createBell(clock);
  const watching = startWatching({ store, clock, random, log, bell });
  const leading = createLeading(options, store, watching);
  try {
    await watching.synced(SYNC_MS);
    const untilMs = clock.monotonicMs() + CONFIRM_MS;
    while (!signal.aborted && clock.monotonicMs() < untilMs) {
      if (watching.connected() && watching.leaderKey() !== undefined && !leading.leads()) break;
      const decisions = (await leading.tryToLead()) ? await leading.decide() : undefined;
      if (decisions !== undefined) return { led: true, decisions };
      await bell.wait(PAUSE_MS, signal);
    }
    return { led: false, decisions: [] };
  } finally {
    await leading.close();
    await watching.close();
    await store.close();
    await place.release();
  }
}
