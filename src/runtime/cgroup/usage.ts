/** Owns what an instance uses, from its control groups. Synchronous reads of small files: 100 instances cost about 10 ms. */
import { readSmallFile } from '../../host/small-file.ts';
import type { Usage } from '../driver.ts';
import { type Cgroups, outOfMemoryKills } from './cgroup.ts';
import type { Controller } from './mounts.ts';

const NS = 1e9;
const US = 1e6;

/** A file of a controller; the folder is known, as looking for it would cost more than reading it. */
function read({ folderOf }: Cgroups, controller: Controller, file: string): string | undefined {
  const folder = folderOf[controller];
  return folder === undefined ? undefined : readSmallFile(`${folder}/${file}`)?.trimEnd();
}

/** Number in the line `NAME NUMBER`. */
function field(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  const at = text.startsWith(`${name} `) ? 0 : text.indexOf(`\n${name} `) + 1;
  return at === 0 && !text.startsWith(`${name} `)
    ? undefined
    : Number.parseInt(text.slice(at + name.length), 10);
}

const numberIn = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;

/** Memory that is in use: without file pages that the kernel would drop first, as a full cache is no sign of need. */
function memoryBytes(groups: Cgroups): number | undefined {
  const stat = read(groups, 'memory', 'memory.stat');
  if (groups.version === 2) {
    const all = numberIn(read(groups, 'memory', 'memory.current'));
    return all === undefined ? undefined : Math.max(0, all - (field(stat, 'inactive_file') ?? 0));
  }
  const [rss, cache] = [field(stat, 'total_rss'), field(stat, 'total_cache')];
  if (rss === undefined || cache === undefined) return undefined;
  return Math.max(0, rss + cache - (field(stat, 'total_inactive_file') ?? 0));
}

function cpuSeconds(groups: Cgroups): number | undefined {
  if (groups.version === 2) {
    const micros = field(read(groups, 'cpu', 'cpu.stat'), 'usage_usec');
    return micros === undefined ? undefined : micros / US;
  }
  const nanos = numberIn(read(groups, 'cpuacct', 'cpuacct.usage'));
  return nanos === undefined ? undefined : nanos / NS;
}

/** Their use; what no controller counts is left out. */
export function cgroupUsage(groups: Cgroups): Partial<Usage> {
  const parts = {
    cpuSeconds: cpuSeconds(groups),
    memoryBytes: memoryBytes(groups),
    pids: numberIn(read(groups, 'pids', 'pids.current')),
    outOfMemoryKills: outOfMemoryKills(groups),
  };
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
}
