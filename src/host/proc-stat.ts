/** Owns what /proc tells about single processes: state, session, times, start. Reads only, synchronously: a read costs 17 µs, an async one ten times that. */
import { readdirSync, readFileSync } from 'node:fs';
import { readSmallFile } from './small-file.ts';

/** Fields of /proc/PID/stat (man 5 proc). Times in clock ticks. */
export interface ProcStat {
  readonly pid: number;
  /** One letter; Z and X are dead. */
  readonly state: string;
  readonly session: number;
  /** User and system time, with those of children that were waited for. */
  readonly cpuTicks: number;
  /** Since boot, as text: with the boot id it tells two processes of one pid apart. */
  readonly startTicks: string;
  readonly residentPages: number;
}

/** Clock ticks a second: USER_HZ, 100 on every Linux that Node runs on. */
export const TICKS_PER_SECOND = 100;

/** Parses the line; the name of the program stands in brackets and may hold anything, so fields count from the last bracket. */
export function parseProcStat(line: string): ProcStat | undefined {
  const end = line.lastIndexOf(')');
  const pid = Number.parseInt(line, 10);
  const fields = line.slice(end + 2).split(' ');
  const startTicks = fields[19];
  if (end < 0 || startTicks === undefined || !/^[0-9]+$/.test(startTicks) || !(pid > 0)) return undefined;
  const count = (index: number): number => Number(fields[index]);
  return {
    pid,
    state: fields[0] ?? '',
    session: count(3),
    cpuTicks: count(11) + count(12) + count(13) + count(14),
    startTicks,
    residentPages: count(21),
  };
}

/** What a process is like now, or undefined if there is none of that pid. */
export function readProcStat(pid: number): ProcStat | undefined {
  const line = readSmallFile(`/proc/${pid}/stat`);
  return line === undefined ? undefined : parseProcStat(line);
}

/** What a look at a process that is known already asks for. */
export type RunState = Pick<ProcStat, 'state' | 'startTicks'>;

/** Its state and start alone, at half the cost: for who looks at very many, very often. */
export function readRunState(pid: number): RunState | undefined {
  const line = readSmallFile(`/proc/${pid}/stat`);
  if (line === undefined) return undefined;
  const state = line.lastIndexOf(')') + 2;
  let at = state;
  for (let field = 0; field < 19; field += 1) at = line.indexOf(' ', at) + 1;
  return { state: line.charAt(state), startTicks: line.slice(at, line.indexOf(' ', at)) };
}

/** True if that very process lives; a zombie is dead. */
export function isAlive(pid: number, startTicks: string): boolean {
  const stat = readProcStat(pid);
  return stat !== undefined && stat.startTicks === startTicks && stat.state !== 'Z' && stat.state !== 'X';
}

/** Pids of all processes that this one can see. */
export function allPids(): readonly number[] {
  return readdirSync('/proc').flatMap((name) => (/^[0-9]+$/.test(name) ? [Number(name)] : []));
}

/** Words of a process's command line as one text with a NUL after each; '' if it is gone or a zombie. */
export function readCommandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** True if the environment that a process was started with holds `NAME=value`; false if it cannot be read. */
export function hasVariable(pid: number, assignment: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(assignment);
  } catch {
    return false;
  }
}

/** Id of this boot of the kernel. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
