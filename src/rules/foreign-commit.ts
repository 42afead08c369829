/** Owns understanding what the watch of tables and `ip monitor route` print: who changed what, and whether that is ours. Pure. */

import { ENTRY_DEVICE } from './entry-device.ts';

/** One thing that a commit changed. */
export interface TableEvent {
  readonly action: 'new' | 'del';
  /** table, chain, rule, set or element. */
  readonly what: string;
  /** Family and name of the table, e.g. `ip nat`. */
  readonly table: string;
  /** Of the chain or set, for a rule of its chain; `*` if there were too many to tell. */
  readonly name: string;
  /** It names something of ours. */
  readonly isOurs: boolean;
  /** A chain whose policy is drop. */
  readonly drops: boolean;
}

/** One change of the kernel's tables by one program. */
export interface Commit {
  /** Name of the program, as the kernel knows it (15 characters). */
  readonly by: string;
  readonly pid: number;
  readonly events: readonly TableEvent[];
}

const EVENT = /^event (new|del) (\w+) (\S+ \S+) (\S+) (\S+)$/;
const COMMIT = /^commit (\d+) (.*)$/;

function eventOf([, action, what = '', table = '', name = '', marks = '']: RegExpExecArray): TableEvent {
  const all = marks.split(',');
  return {
    action: action === 'new' ? 'new' : 'del',
    what,
    table,
    name,
    isOurs: all.includes('ours'),
    drops: all.includes('drop'),
  };
}

/** Reads lines one by one. @returns gives the commit that a line completes */
export function commitReader(): (line: string) => Commit | undefined {
  let events: TableEvent[] = [];
  return (line) => {
    const event = EVENT.exec(line);
    if (event !== null) events.push(eventOf(event));
    const [, pid, by] = COMMIT.exec(line) ?? [];
    if (pid === undefined || by === undefined) return undefined;
    const commit = { by, pid: Number(pid), events };
    events = [];
    return commit;
  };
}

const NAT = /^ip6? nat$/;
const HOOK_CHAIN = /^(?:PREROUTING|OUTPUT|POSTROUTING|\*)$/;

/** True for something of ours, what our hooks stand in, or a policy that drops what we forward. */
function touchesOurs({ action, what, table, name, isOurs, drops }: TableEvent): boolean {
  if (isOurs) return true;
  if (action === 'new') return drops && name === 'FORWARD' && /^ip6? filter$/.test(table);
  return NAT.test(table) && (what === 'table' || (what !== 'rule' && HOOK_CHAIN.test(name)));
}

/** True if a commit touched something of ours: then it is worth a look. */
export function touchesUs({ events }: Commit): boolean {
  return events.some(touchesOurs);
}

/** The events worth telling, in words: those that touch ours, else the first. */
export function tellingEvents({ events }: Commit, count: number): readonly string[] {
  const ours = events.filter(touchesOurs);
  return (ours.length > 0 ? ours : events).slice(0, count).map(({ action, what, table, name }) => {
    const place = what === 'table' ? '' : what === 'chain' || what === 'set' ? ` ${name}` : ` in ${name}`;
    return `${action === 'new' ? 'new' : 'deleted'} ${what}${place}${what === 'table' ? ` ${table}` : ` of ${table}`}`;
  });
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
