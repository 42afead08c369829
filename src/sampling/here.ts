/** Owns sampling the node that this process runs on: what its agent runs, joined with what the kernel counts, published while it runs. */
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { instanceKey } from '../model/load.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { createRunningReader, type RunningInstance } from '../runtime/running.ts';
import type { Store } from '../store/store.ts';
import { createCoreLimits } from './core-limits.ts';
import type { Running } from './local-instance.ts';
import { openSampling } from './open.ts';
import { type Sampling, startSampling } from './run.ts';

/** What sampling this node needs. */
export interface SampleHereOptions {
  readonly node: string;
  /** State directory of this node's agent, which says what it runs. */
  readonly stateDir: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly everyMs?: number | undefined;
  /** Services and instances as far as is known. */
  readonly snapshot: () => Snapshot | undefined;
}

/** Cores that the template of its service gives an instance: what counts where no control group enforces it. */
const limitOf = (snapshot: Snapshot | undefined, service: string): number | undefined =>
  snapshot?.services.get(service)?.value.template?.limits?.cpu;

/** What sampling must know of an instance that a driver runs. @param limitCores cores that it may use; undefined: all */
export function runningOf({ run, cgroups, main }: RunningInstance, limitCores?: number): Running {
  const groups = cgroups && {
    version: cgroups.version,
    cpuFolder: cgroups.folderOf[cgroups.version === 1 ? 'cpuacct' : 'cpu'],
    memoryFolder: cgroups.folderOf.memory,
  };
  return { run, groups, leader: main, limitCores };
}

/** Begins to sample this node and to publish what it measures. */
export function sampleHere({ node, stateDir, snapshot, ...edges }: SampleHereOptions): Sampling {
  const { store, clock, log, everyMs } = edges;
  const readRunning = createRunningReader(stateDir);
  const readLimits = createCoreLimits(clock);
  const running = (): ReadonlyMap<string, Running> => {
    const all = readRunning();
    const limits = readLimits(all);
    return new Map(
      all.map((one) => [
        instanceKey(one.service, one.id),
        runningOf(one, limits.get(one.run) ?? limitOf(snapshot(), one.service)),
      ]),
    );
  };
  return startSampling({ store, deps: openSampling({ node, snapshot, running, clock }), log, everyMs });
}
