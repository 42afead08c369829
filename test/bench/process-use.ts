/** Owns what benchmarks ask of /proc: processor time and memory of a process and of what it has started. */
import { readdirSync, readFileSync } from 'node:fs';

/** Of /proc/PID/stat (proc(5)); the same on all Linux machines that matter. */
const TICKS_PER_SECOND = 100;

/** Fields of a process from its state on (proc(5)), undefined if it is gone. */
function statOf(pid: number | string): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/** A process and all below it. */
export function familyOf(pid: number): readonly number[] {
  const children = readdirSync('/proc').filter(
    (name) => /^\d+$/.test(name) && statOf(name)?.[1] === String(pid),
  );
  return [pid, ...children.flatMap((child) => familyOf(Number(child)))];
}

/** Milliseconds of processor that a process, what it has started and what of that has ended took so far. */
export function cpuMs(pid: number): number {
  const ticks = familyOf(pid).flatMap((one) => statOf(one)?.slice(11, 15).map(Number) ?? []);
  return (ticks.reduce((sum, value) => sum + value, 0) * 1000) / TICKS_PER_SECOND;
}

/** Memory of a process in MB, by a field of /proc/PID/status. */
export function rssMb(pid: number, field = 'VmRSS'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
}
