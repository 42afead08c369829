/** Owns what tests of instances under faults share: small programs that misbehave, and looking at what really runs on a node. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Workplace } from '../../../src/dev/machine.ts';
import { processesInside } from '../../../src/host/netns.ts';
import { hasVariable, isAlive, readProcStat } from '../../../src/host/proc-stat.ts';
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

/** Live processes of a node that were started for an instance, whatever became of them. */
export function bearersOf(node: Workplace, id: string): readonly number[] {
  return processesInside([node.ns.inode]).filter((pid) => {
    const state = readProcStat(pid)?.state ?? 'Z';
    return state !== 'Z' && state !== 'X' && hasVariable(pid, `${ID_VARIABLE}=${id}`);
  });
}

/** The main processes of an instance: one, or none. */
export const mainsOf = (node: Workplace, id: string): readonly number[] =>
  bearersOf(node, id).filter((pid) => readProcStat(pid)?.session === pid);

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
