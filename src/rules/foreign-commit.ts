/** Owns understanding what `xtables-monitor -e` and `ip monitor route` print: who changed what, and whether that is ours. Pure. */

import { ENTRY_DEVICE } from './entry-device.ts';

/** One change of the kernel's tables by one program. */
export interface Commit {
  /** Name of the program, as the kernel knows it (15 characters). */
  readonly by: string;
  readonly pid: number;
  /** What it changed, as printed; an empty text for something the monitor has no words for. */
  readonly events: readonly string[];
}

const EVENT = /^ ?EVENT: ?(.*)$/;
const NEWGEN = /^NEWGEN: GENID=\d+ PID=(\d+) NAME=(.*)$/;
/** Far above any change that somebody reads; the rest of a large commit is counted as one more. */
const MAX_EVENTS = 1_000;

/** Reads lines one by one. @returns gives the commit that a line completes */
export function commitReader(): (line: string) => Commit | undefined {
  let events: string[] = [];
  return (line) => {
    const event = EVENT.exec(line)?.[1];
    if (event !== undefined && (events.length < MAX_EVENTS || isOurs(event))) events.push(event.trim());
    const [, pid, by] = NEWGEN.exec(line) ?? [];
    if (pid === undefined || by === undefined) return undefined;
    const commit = { by, pid: Number(pid), events };
    events = [];
    return commit;
  };
}

/** Something of ours, the chains and tables that our hooks stand in, or a policy that drops what we forward. */
function isOurs(event: string): boolean {
  return (
    /sluice/i.test(event) ||
    / filter FORWARD .* hook forward .* policy drop /.test(event) ||
    /^-[46] -t nat -X (?:PREROUTING|OUTPUT|POSTROUTING)\b/.test(event) ||
    /^nft: DEL table: table nat ip6? /.test(event)
  );
}

/** What a commit means for us: `ours` was touched; nobody can tell from what is printed (sets, tables of family inet); or `none` of ours. */
export function touchOf({ events }: Commit): 'ours' | 'unclear' | 'none' {
  if (events.some(isOurs)) return 'ours';
  return events.length === 0 || events.includes('') ? 'unclear' : 'none';
}

/** The events worth telling: those that touch ours, else the first. */
export function tellingEvents({ events }: Commit, count: number): readonly string[] {
  const ours = events.filter(isOurs);
  return (ours.length > 0 ? ours : events.filter((event) => event !== '')).slice(0, count);
}

/**
 * What a line of `ip -o monitor route link` says is gone: the address of a host route, or the device that entries are routed to;
 * undefined for all other lines.
 */
export function goneRoute(line: string): string | undefined {
  const device = /^Deleted \d+: ([^:@\s]+)/.exec(line)?.[1];
  if (device !== undefined) return device === ENTRY_DEVICE ? device : undefined;
  return /^Deleted (?:local )?([0-9a-f.:]+) /.exec(line)?.[1];
}
