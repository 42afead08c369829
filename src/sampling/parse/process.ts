/** Owns a line of /proc/PID/stat as the sampling needs it: to whom the process belongs, and its times with and without those of its children (man 5 proc). Pure. */

/** One process. Times in clock ticks. */
export interface ProcessTimes {
  readonly pid: number;
  readonly parentPid: number;
  readonly session: number;
  /** Since boot. */
  readonly startTicks: number;
  readonly ownTicks: number;
  /** Of children that ended and were waited for. */
  readonly waitedTicks: number;
  readonly residentPages: number;
}

/** Clock ticks a second: USER_HZ, 100 on every Linux that Node runs on. */
export const TICKS_PER_SECOND = 100;

/** Bytes of a page; Node has no way to ask, the machines that it runs on have this size. */
export const PAGE_BYTES = 4_096;

/** Parses the line; the name of the program stands in brackets and may hold anything, so fields count from the last bracket. */
export function parseProcess(line: string): ProcessTimes | undefined {
  const end = line.lastIndexOf(')');
  const pid = Number.parseInt(line, 10);
  const fields = line.slice(end + 2).split(' ');
  const count = (index: number): number => Number(fields[index] ?? Number.NaN);
  const found: ProcessTimes = {
    pid,
    parentPid: count(1),
    session: count(3),
    ownTicks: count(11) + count(12),
    waitedTicks: count(13) + count(14),
    startTicks: count(19),
    residentPages: count(21),
  };
  const isWhole = Object.values(found).every((value: number) => Number.isSafeInteger(value) && value >= 0);
  return end > 0 && isWhole && pid > 0 ? found : undefined;
}
