/** Owns reading what a node and its instances have used so far, from /proc and control groups. Reads only; what cannot be read is undefined. */
import type { KernelFiles } from './kernel-files.ts';
import type { LocalInstance, Running, UseFiles } from './local-instance.ts';
import { groupCpuSeconds, groupMemory, type MemoryUse, parseMemory } from './parse/memory.ts';
import { PAGE_BYTES } from './parse/process.ts';
import { parseLoad, parsePressure, parseProcessorTimes, type ProcessorTimes } from './parse/processor.ts';
import type { ProcessTable } from './process-table.ts';
import { type SessionProcesses, sessionPages } from './session-use.ts';

/** What a node has used so far, and its state now. */
export interface NodeUse {
  readonly processors: ProcessorTimes | undefined;
  readonly pressure: number | undefined;
  readonly memory: MemoryUse | undefined;
  readonly load1: number | undefined;
}

/** What an instance has used so far. */
export interface InstanceUse {
  readonly run: string;
  /** By its control group. */
  readonly cpuSeconds: number | undefined;
  /** Its processes, where no control group counts its time. */
  readonly processes: SessionProcesses | undefined;
  readonly memoryBytes: number | undefined;
}

/** Reads the node's. */
export function readNodeUse({ read }: Pick<KernelFiles, 'read'>): NodeUse {
  return {
    processors: parseProcessorTimes(read('/proc/stat') ?? ''),
    // Missing where the kernel was built without it.
    pressure: parsePressure(read('/proc/pressure/cpu') ?? ''),
    memory: parseMemory(read('/proc/meminfo') ?? ''),
    load1: parseLoad(read('/proc/loadavg') ?? ''),
  };
}

function groupUse(
  { read }: UseReaders['files'],
  { version, cpuFolder, memoryFolder }: UseFiles,
): Pick<InstanceUse, 'cpuSeconds' | 'memoryBytes'> {
  const cpu = cpuFolder && read(`${cpuFolder}/${version === 1 ? 'cpuacct.usage' : 'cpu.stat'}`);
  const stat = memoryFolder && read(`${memoryFolder}/memory.stat`);
  const current = version === 2 && memoryFolder ? read(`${memoryFolder}/memory.current`) : undefined;
  return {
    cpuSeconds: cpu === undefined ? undefined : groupCpuSeconds(cpu, version),
    memoryBytes:
      stat === undefined || (version === 2 && current === undefined) ? undefined : groupMemory(stat, current),
  };
}

/** Processes of each session that is asked for; /proc is not looked through if none is. */
function sessionsOf(
  processes: ProcessTable,
  runs: readonly Running[],
): ReadonlyMap<number, SessionProcesses> {
  const leaders = new Map(runs.flatMap(({ leader }) => (leader ? [[leader.pid, leader.startTicks]] : [])));
  return leaders.size === 0 ? new Map() : processes.sessions(leaders);
}

/** What use is read from. */
export interface UseReaders {
  readonly files: Pick<KernelFiles, 'read'>;
  readonly processes: ProcessTable;
}

/** Reads those of the instances that a driver runs here, by name. */
export function readInstanceUse(
  { files, processes: table }: UseReaders,
  instances: readonly LocalInstance[],
): ReadonlyMap<string, InstanceUse> {
  const counted = instances.flatMap(({ name, running }) => {
    if (running === undefined) return [];
    const none = { cpuSeconds: undefined, memoryBytes: undefined };
    return [{ name, running, use: running.groups === undefined ? none : groupUse(files, running.groups) }];
  });
  const uncounted = counted.filter(
    ({ use }) => use.cpuSeconds === undefined || use.memoryBytes === undefined,
  );
  const sessions = sessionsOf(
    table,
    uncounted.map(({ running }) => running),
  );
  return new Map(
    counted.map(({ name, running, use }) => {
      const isCounted = use.cpuSeconds !== undefined && use.memoryBytes !== undefined;
      const processes = isCounted ? undefined : sessions.get(running.leader?.pid ?? 0);
      const pages = processes === undefined ? undefined : sessionPages(processes) * PAGE_BYTES;
      const memoryBytes = use.memoryBytes ?? pages;
      return [name, { run: running.run, cpuSeconds: use.cpuSeconds, processes, memoryBytes }];
    }),
  );
}
