/** Owns what the kernel says of all processors together: /proc/stat, /proc/pressure/cpu, /proc/loadavg (man 5 proc). Pure; what is not understood is undefined. */

/** Time of all processors since boot, in clock ticks. */
export interface ProcessorTimes {
  /** All but idle and waiting for disks; time that a hypervisor took (steal) is busy, as nothing else could use it. */
  readonly busyTicks: number;
  readonly idleTicks: number;
  readonly cores: number;
}

const COUNT = /^[0-9]{1,15}$/;

/** Reads /proc/stat; a text that is cut off after the lines of the processors is enough. */
export function parseProcessorTimes(text: string): ProcessorTimes | undefined {
  const [all = '', ...lines] = text.split('\n');
  const [name, ...fields] = all.split(/ +/);
  // user nice system idle iowait irq softirq steal; guest times are in user and nice already.
  const times = fields.slice(0, 8);
  if (name !== 'cpu' || times.length < 4 || !times.every((field) => COUNT.test(field))) return undefined;
  const ticks = times.map(Number);
  const total = ticks.reduce((sum, each) => sum + each, 0);
  const idleTicks = (ticks[3] ?? 0) + (ticks[4] ?? 0);
  const after = lines.findIndex((line) => !/^cpu[0-9]+ /.test(line));
  const cores = after < 0 ? lines.length : after;
  return cores === 0 ? undefined : { busyTicks: total - idleTicks, idleTicks, cores };
}

/** Busy part of the time between two readings, 0 to 1; undefined if a counter went back or nothing passed. */
export function busyShare(before: ProcessorTimes, after: ProcessorTimes): number | undefined {
  const busy = after.busyTicks - before.busyTicks;
  const idle = after.idleTicks - before.idleTicks;
  // Processors that come or go take their time with them.
  if (busy < 0 || idle < 0 || busy + idle === 0 || before.cores !== after.cores) return undefined;
  return busy / (busy + idle);
}

/** `some avg10` of a file of /proc/pressure as a part, 0 to 1. */
export function parsePressure(text: string): number | undefined {
  const percent = /^some avg10=([0-9]{1,3}\.[0-9]{1,4}) /.exec(text)?.[1];
  const part = percent === undefined ? Number.NaN : Number(percent) / 100;
  return part <= 1 ? part : undefined;
}

/** Mean number of runnable processes of the last minute, from /proc/loadavg. */
export function parseLoad(text: string): number | undefined {
  const load = /^([0-9]{1,9}\.[0-9]{2}) /.exec(text)?.[1];
  return load === undefined ? undefined : Number(load);
}
