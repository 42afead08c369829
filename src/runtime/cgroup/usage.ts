/** Owns what an instance uses, from its control groups. Synchronous reads of small files: 100 instances cost about 10 ms. */
import { readKernelFile } from '../../host/machine.ts';
import type { Usage } from '../driver.ts';
import { type Cgroups, outOfMemoryKills } from './cgroup.ts';

const NS = 1e9;
const US = 1e6;

/** First of the groups' files of that name. */
function read(groups: Cgroups, file: string): string | undefined {
  for (const folder of groups.folders) {
    const text = readKernelFile(`${folder}/${file}`);
    if (text !== undefined) return text;
  }
  return undefined;
}

const field = (text: string | undefined, name: string): number | undefined => {
  const value = new RegExp(`^${name} (\\d+)$`, 'm').exec(text ?? '')?.[1];
  return value === undefined ? undefined : Number(value);
};

const numberIn = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;

/** Memory that is in use: without file pages that the kernel would drop first, as a full cache is no sign of need. */
function memoryBytes(groups: Cgroups): number | undefined {
  const isV2 = groups.version === 2;
  const all = numberIn(read(groups, isV2 ? 'memory.current' : 'memory.usage_in_bytes'));
  const idle = field(read(groups, 'memory.stat'), isV2 ? 'inactive_file' : 'total_inactive_file');
  return all === undefined ? undefined : Math.max(0, all - (idle ?? 0));
}

function cpuSeconds(groups: Cgroups): number | undefined {
  if (groups.version === 2) {
    const micros = field(read(groups, 'cpu.stat'), 'usage_usec');
    return micros === undefined ? undefined : micros / US;
  }
  const nanos = numberIn(read(groups, 'cpuacct.usage'));
  return nanos === undefined ? undefined : nanos / NS;
}

/** Their use; what no controller counts is left out. */
export function cgroupUsage(groups: Cgroups): Partial<Usage> {
  const parts = {
    cpuSeconds: cpuSeconds(groups),
    memoryBytes: memoryBytes(groups),
    pids: numberIn(read(groups, 'pids.current')),
    outOfMemoryKills: outOfMemoryKills(groups),
  };
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
}
