/** Owns what tests of instances under faults share: small programs that misbehave, and looking at what really runs on a node. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Workplace } from '../../../src/dev/machine.ts';
import { processesInside } from '../../../src/host/netns.ts';
import { isAlive, readProcStat } from '../../../src/host/proc-stat.ts';
import type { TemplateInput } from '../../../src/model/template-defaults.ts';
import { ID_VARIABLE } from '../../../src/runtime/own-variables.ts';

/** A template of a Perl program that listens on its port and then does `then`; it starts ten times as quickly as Node. */
export function perl(then: string): TemplateInput {
  const listen = `use Socket; socket(S,PF_INET,SOCK_STREAM,6); setsockopt(S,SOL_SOCKET,SO_REUSEADDR,1);
    bind(S,pack_sockaddr_in($ARGV[1],inet_aton($ARGV[0]))) or die "bind: $!"; listen(S,128); $SIG{"PIPE"}="IGNORE";`;
  return {
    command: ['/usr/bin/perl', '-e', `${listen} ${then}`, '{ip}', '{port}'],
    probe: { kind: 'tcp', intervalSeconds: 0.5, timeoutSeconds: 1, startSeconds: 30 },
    graceSeconds: 2,
  };
}

/** Accepts for ever. */
export const SERVE = 'while (accept(C,S)) { close C }';

/** Live processes of a node by the instance that they were started for, whatever became of them. One look at all of them. */
export function bearersOn(node: Workplace): ReadonlyMap<string, readonly number[]> {
  const bearers = new Map<string, number[]>();
  for (const pid of processesInside([node.ns.inode])) {
    const id = idOf(pid);
    const state = readProcStat(pid)?.state ?? 'Z';
    if (id === undefined || state === 'Z' || state === 'X') continue;
    bearers.set(id, [...(bearers.get(id) ?? []), pid]);
  }
  return bearers;
}

/** The instance that a process was started for, by its environment. */
function idOf(pid: number): string | undefined {
  try {
    const words = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return words.find((word) => word.startsWith(`${ID_VARIABLE}=`))?.slice(ID_VARIABLE.length + 1);
  } catch {
    return undefined;
  }
}

/** Those of one instance. */
export const bearersOf = (node: Workplace, id: string): readonly number[] => bearersOn(node).get(id) ?? [];

const isMain = (pid: number): boolean => readProcStat(pid)?.session === pid;

/** The main processes of an instance: one, or none. */
export const mainsOf = (node: Workplace, id: string): readonly number[] => bearersOf(node, id).filter(isMain);

/** Instances with more than one main process: there must be none, ever. */
export const doubled = (node: Workplace): readonly string[] =>
  [...bearersOn(node)].filter(([, pids]) => pids.filter(isMain).length > 1).map(([id]) => id);

/** Shims on a node, by the instance that each keeps. */
export function shimsOf(node: Workplace): ReadonlyMap<string, readonly number[]> {
  const shims = new Map<string, number[]>();
  for (const pid of processesInside([node.ns.inode])) {
    const [shell, script = '', folder = ''] = wordsOf(pid);
    if (shell !== 'sh' || path.basename(script) !== 'shim.sh' || readProcStat(pid)?.state === 'Z') continue;
    const id = path.basename(folder);
    shims.set(id, [...(shims.get(id) ?? []), pid]);
  }
  return shims;
}

function wordsOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** Kills a process, if it is still there. */
export function killNow(pid: number | undefined): void {
  const stat = pid === undefined ? undefined : readProcStat(pid);
  if (stat !== undefined && isAlive(stat.pid, stat.startTicks)) process.kill(stat.pid, 'SIGKILL');
}
