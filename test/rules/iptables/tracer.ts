/**
 * Owns a packet tracer: walks rendered chains as the kernel does and says where a new connection goes, with which exact probability.
 * Written from the meaning of the rules, not from the renderer.
 */
import { ipBytes } from '../../../src/model/address.ts';
import type { Entry } from '../../../src/model/entry.ts';
import type { Chains } from '../../../src/rules/iptables/chains.ts';

/** What can become of a new connection. */
export interface Trace {
  /** DNAT target → probability. */
  readonly targets: ReadonlyMap<string, number>;
  /** Probability that the packet leaves the chains untouched. */
  readonly untouched: number;
  /** True if it is marked for masquerade before it is translated. */
  readonly marked: boolean;
  /** Longest run of jumps and gotos from the hook on, the hook's own included. */
  readonly jumps: number;
  /** Most rules looked at on any way. */
  readonly rulesSeen: number;
}

const bitsOf = (ip: string): string =>
  (ipBytes(ip) ?? []).map((byte) => byte.toString(2).padStart(8, '0')).join('');

/** Probability that the matches of a rule are true for the packet: 0, 1, or that of its statistic. */
function matchProbability(words: readonly string[], packet: Entry): number {
  let probability = 1;
  for (let at = 0; at < words.length; at += 1) {
    const value = words[at + 1] ?? '';
    if (words[at] === '-p' && value !== packet.protocol) return 0;
    if (words[at] === '--probability') probability = Number(value);
    if (words[at] === '-d') {
      const [network = '', length = ''] = value.split('/');
      if (!bitsOf(packet.ip).startsWith(bitsOf(network).slice(0, Number(length)))) return 0;
    }
    if (words[at] === '--dport') {
      const [first = 0, last = first] = value.split(':').map(Number);
      if (packet.port < first || packet.port > last) return 0;
    }
  }
  return probability;
}

/** Traces a packet that is a new connection to `packet`, from the chain that the hooks jump to. */
export function trace(chains: Chains, packet: Entry, from = 'SLUICE-ENTRIES'): Trace {
  const targets = new Map<string, number>();
  let [untouched, marked, jumps, rulesSeen] = [0, false, 1, 0];
  const walk = (name: string, reach: number, depth: number, seen: number): void => {
    jumps = Math.max(jumps, depth);
    const lines = chains.get(name);
    if (lines === undefined) throw new Error(`jump into nowhere: ${name}`);
    let left = reach;
    for (const [at, line] of lines.entries()) {
      rulesSeen = Math.max(rulesSeen, seen + at + 1);
      const words = line.split(' ').slice(2);
      const taken = left * matchProbability(words, packet);
      if (taken === 0) continue;
      const action = words.findIndex((word) => word === '-g' || word === '-j');
      const target = words[action + 1] ?? '';
      if (target === 'MARK') {
        marked = true;
        continue;
      }
      if (target === 'DNAT') {
        const to = words[words.indexOf('--to-destination') + 1] ?? '';
        targets.set(to, (targets.get(to) ?? 0) + taken);
      } else if (words[action] === '-g') walk(target, taken, depth + 1, seen + at + 1);
      else throw new Error(`the tracer does not know: ${line}`);
      left -= taken;
      if (left <= 0) return;
    }
    untouched += left;
  };
  walk(from, 1, 1, 0);
  return { targets, untouched, marked, jumps, rulesSeen };
}
