/** Owns what a monitor is started with. Types only. */
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { MonitorMeter } from './meter.ts';
import type { ReadMetric } from '../sampling/own-metric.ts';
import type { Store } from '../store/store.ts';

/** `act`: decide and do; `recommend`: decide and record what would be done. */
export type MonitorMode = 'act' | 'recommend';

/** Everything a monitor gets from the command line and from main. */
export interface MonitorOptions {
  /** Name of this node (a name: model/name.ts). */
  readonly node: string;
  /** Name of the machine, for people. */
  readonly host: string;
  readonly pid: number;
  readonly mode: MonitorMode;
  /** Between two looks when nothing changes; undefined: 2 s. */
  readonly everyMs?: number | undefined;
  /** What ran on a node that has been silent for so long is started elsewhere; default: a minute (health/judge.ts). */
  readonly lostAfterMs?: number | undefined;
  /** Begins to sample this node and to publish what it measures. */
  readonly sample: (edges: {
    readonly store: Store;
    /** Services and instances as far as is known. */
    readonly snapshot: () => Snapshot | undefined;
  }) => { readonly close: () => Promise<void> };
  /** Asks for a number of the admin's own. */
  readonly readMetric: ReadMetric;
  /** Opens the store; called once. Must not connect before the first call. */
  readonly openStore: () => Promise<Store>;
  readonly log: Log;
  /** Whoever watches the monitor's figures. */
  readonly meter?: MonitorMeter | undefined;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** A fresh id each call: lower-case hexadecimal digits, at least eight. */
  readonly newId: () => string;
  /** Aborted by SIGINT or SIGTERM: the lead is given up at once. */
  readonly signal: AbortSignal;
}
