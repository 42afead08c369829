/** Owns joining what sampling reads on this machine: files of the kernel, sockets, counters of the rules, addresses. */
import type { Clock } from '../host/clock.ts';
import { leanExec } from '../host/lean-exec.ts';
import { readMachine } from '../host/machine.ts';
import { openPipe } from '../host/pipe.ts';
import { createRepeatedExec } from '../host/repeated-exec.ts';
import { openCounting } from '../dataplane/live/counting.ts';
import { createKernelFiles } from './kernel-files.ts';
import { createProcessTable } from './process-table.ts';
import type { SamplingDeps } from './sample-node.ts';
import { createSocketCounter } from './sockets.ts';

/** What is not read here. */
export interface OpenOptions extends Pick<SamplingDeps, 'node' | 'snapshot' | 'running'> {
  readonly clock: Clock;
}

/** Everything that a sample of this machine, in the namespaces of this process, is made from; nothing is opened before the first sample. */
export function openSampling({ node, snapshot, running, clock }: OpenOptions): SamplingDeps {
  const files = createKernelFiles();
  const sockets = createSocketCounter(openPipe, clock);
  const often = createRepeatedExec();
  return {
    node,
    snapshot,
    running,
    clock,
    addresses: () => readMachine().addresses,
    cores: readMachine().cpus,
    files,
    processes: createProcessTable(files),
    sockets,
    counting: openCounting({ exec: leanExec, execOften: often.exec, clock }),
    close: () => {
      files.close();
      sockets.close();
      often.close();
    },
  };
}
