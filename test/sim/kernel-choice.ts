/**
 * Owns a node's kernel in a simulation: it keeps the chains of one entry as a layout of the product writes them, and chooses by them. Rules of
 * nftables that count keep their counters until their chain is written anew.
 */
import type { EntryRules, RuleTarget } from '../../src/rules/ruleset.ts';
import { serviceChains } from '../../src/rules/iptables/service-chain.ts';
import { entryUnit } from '../../src/rules/nftables/entry-chain.ts';
import type { Random } from './random.ts';

/** Which rules. */
export type Layout = 'iptables' | 'nftables';

/** The rules of one node for one entry. */
export interface KernelChoice {
  /** Installs other weights: chains that differ are written anew. @param targets the oldest first, weights ≥ 1 */
  readonly write: (targets: readonly RuleTarget[]) => void;
  /** `IP:PORT` for a new connection. */
  readonly choose: () => string;
}

interface Rule {
  /** Chance by which it matches; or counting, from `first` to `last` of every `modulus`. */
  readonly chance: number;
  readonly modulus: number;
  readonly first: number;
  readonly last: number;
  /** It matches all others. */
  readonly isInverse: boolean;
  counted: number;
  /** An address, or a chain. */
  readonly to: string;
  readonly isChain: boolean;
}

interface Chain {
  readonly text: string;
  readonly rules: readonly Rule[];
}

const TO = /(?:dnat to|--to-destination) (\S+)$|(?:goto|-g) (\S+)$/;
const TURN = /numgen inc mod (\d+) (!= )?(\d+)(?:-(\d+))?/;
const CHANCE = /--probability ([\d.]+)/;

function ruleOf(line: string): Rule {
  const [, address, chain] = TO.exec(line) ?? [];
  const to = address ?? chain;
  if (to === undefined) throw new Error(`not a rule that a simulation knows: ${line}`);
  const [, modulus = '1', inverse, first = '0', last = first] = TURN.exec(line) ?? [];
  const chance = Number(CHANCE.exec(line)?.[1] ?? 1);
  const turn = {
    modulus: Number(modulus),
    first: Number(first),
    last: Number(last),
    isInverse: inverse !== undefined,
  };
  return { chance, ...turn, counted: 0, to, isChain: address === undefined };
}

function matches(rule: Rule, random: Random): boolean {
  if (rule.chance < 1) return random() < rule.chance;
  const turn = rule.counted % rule.modulus;
  rule.counted += 1;
  return (turn >= rule.first && turn <= rule.last) !== rule.isInverse;
}

const ENTRY = { ip: '10.96.0.10', port: 80, protocol: 'tcp' } as const;

/** An empty kernel of a node. */
export function createKernelChoice(layout: Layout, node: string, random: Random): KernelChoice {
  let chains = new Map<string, Chain>();
  let head = '';
  const follow = (name: string): string => {
    const rule = chains.get(name)?.rules.find((one) => matches(one, random));
    if (rule === undefined) throw new Error(`a connection fell through ${name}`);
    return rule.isChain ? follow(rule.to) : rule.to;
  };
  return {
    write: (targets) => {
      const rules: EntryRules = { entry: ENTRY, service: 'web', masquerade: false, targets };
      const written = layout === 'nftables' ? entryUnit(rules, node).chains : serviceChains(rules);
      head = written[0]?.name ?? '';
      chains = new Map(
        written.map(({ name, lines }) => {
          const text = lines.join('\n');
          const before = chains.get(name);
          return [name, before?.text === text ? before : { text, rules: lines.map(ruleOf) }];
        }),
      );
    },
    choose: () => follow(head),
  };
}
