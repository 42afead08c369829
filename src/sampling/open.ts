/** Owns joining what sampling reads on this machine: files of the kernel, sockets, counters of the rules, addresses. */
import type { Clock } from '../host/clock.ts';
import type { Exec } from '../host/exec.ts';
import { readMachine } from '../host/machine.ts';
import type { OpenPipe } from '../host/pipe.ts';
import { openCounting } from '../dataplane/live/counting.ts';
import { createKernelFiles } from './kernel-files.ts';
import type { SamplingDeps } from './sample-node.ts';
import { createSocketCounter } from './sockets.ts';

/** What is not read here. */
export interface OpenOptions extends Pick<SamplingDeps, 'node' | 'snapshot' | 'running'> {
  readonly clock: Clock;
  /** Runs programs in the network namespace of this process (host/lean-exec.ts). */
  readonly exec: Exec;
  /** Starts programs that stay, there too (host/pipe.ts). */
  readonly openPipe: OpenPipe;
}

/** Everything that a sample of this machine is made from; opens nothing before the first sample. */
export function openSampling({ node, snapshot, running, clock, exec, openPipe }: OpenOptions): SamplingDeps {
  return {
    node,
    snapshot,
    running,
    clock,
    addresses: () => readMachine().addresses,
    cores: readMachine().cpus,
    files: createKernelFiles(),
    sockets: createSocketCounter(openPipe, clock),
    counting: openCounting(exec, clock),
  };
}
