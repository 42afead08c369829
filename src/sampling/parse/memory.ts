/** Owns what the kernel says of memory: /proc/meminfo, and the files of an instance's memory control group. Pure; what is not understood is undefined. */

/** Memory of a node. */
export interface MemoryUse {
  readonly totalBytes: number;
  /** What could not be had without swapping: total less available. */
  readonly usedBytes: number;
}

const NUMBER = /:?[ \t]+([0-9]{1,16})(?=\s|$)/y;

/** The number after a whole name at the beginning of a line, as `NAME NUMBER` or `NAME: NUMBER`. */
export function fieldOf(text: string, name: string): number | undefined {
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    if (at > 0 && text[at - 1] !== '\n') continue;
    NUMBER.lastIndex = at + name.length;
    const value = Number(NUMBER.exec(text)?.[1] ?? Number.NaN);
    if (Number.isSafeInteger(value)) return value;
  }
  return undefined;
}

const KIB = 1024;

/** Reads /proc/meminfo. */
export function parseMemory(text: string): MemoryUse | undefined {
  const [total, available] = [fieldOf(text, 'MemTotal'), fieldOf(text, 'MemAvailable')];
  if (total === undefined || available === undefined || available > total) return undefined;
  return { totalBytes: total * KIB, usedBytes: (total - available) * KIB };
}

/**
 * Memory of a control group that is in use: without file pages that the kernel would drop first, as a full cache is no sign of need.
 * @param stat text of memory.stat
 * @param current text of memory.current; version 1 has all in memory.stat
 */
export function groupMemory(stat: string, current: string | undefined): number | undefined {
  if (current !== undefined) {
    const all = /^[0-9]{1,16}\n?$/.test(current) ? Number(current) : Number.NaN;
    const inactive = fieldOf(stat, 'inactive_file');
    return inactive === undefined || !Number.isSafeInteger(all) ? undefined : Math.max(0, all - inactive);
  }
  const [rss, cache] = [fieldOf(stat, 'total_rss'), fieldOf(stat, 'total_cache')];
  const inactive = fieldOf(stat, 'total_inactive_file');
  if (rss === undefined || cache === undefined || inactive === undefined) return undefined;
  return Math.max(0, rss + cache - inactive);
}

/**
 * Processor seconds that a control group has used.
 * @param version 1: text of cpuacct.usage (nanoseconds); 2: of cpu.stat
 */
export function groupCpuSeconds(text: string, version: 1 | 2): number | undefined {
  if (version === 2) {
    const micros = fieldOf(text, 'usage_usec');
    return micros === undefined ? undefined : micros / 1e6;
  }
  return /^[0-9]{1,19}\n?$/.test(text) ? Number(text) / 1e9 : undefined;
}
