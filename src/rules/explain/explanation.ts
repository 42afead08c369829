/** Owns the explanation of one entry: the two halves of the way put together into steps, instances and findings. Pure. */
import { formatAddress } from '../../model/address.ts';
import { type Entry, formatEntry } from '../../model/entry.ts';
import type { RuleTarget } from '../ruleset.ts';
import { choiceFindings, maybeFindings } from './choice-findings.ts';
import type { ExplainFinding } from './finding.ts';
import { type Arrival, type Asked, firstHook, type Half } from './journey.ts';
import type { LiveTable, Verdict } from './live.ts';
import { guardFindings, withGuard } from './guard-findings.ts';
import { nodeFindings } from './node-findings.ts';
import type { NodeState, RouteFact } from './node-state.ts';
import { expectedShares, storeFindings } from './store-findings.ts';
import type { RuleRef } from './walk.ts';
import { type Way, wayFindings } from './way-findings.ts';

/** A rule that the connections meet. */
export interface ExplainStep {
  readonly hook: string;
  readonly table: string;
  readonly chain: string;
  readonly rule: string;
  readonly verdict: string;
  /** Part of the connections that reach and match it, 0 to 1. */
  readonly share: number;
  /** True if it cannot be told whether it matches. */
  readonly maybe: boolean;
  /** Packets that it matched so far, of any connection; null if it does not count. */
  readonly packets: number | null;
  readonly ours: boolean;
}

/** A place where connections end up. */
export interface ExplainTarget {
  /** `IP:PORT` */
  readonly address: string;
  /** Chance of a new connection, 0 to 1, computed from the live rules. */
  readonly share: number;
  /** Part of all connections that gets there: `share` without what rules on the way take. */
  readonly arriving: number;
  /** What the store asks for; null if it does not know the instance, or was not asked. */
  readonly expected: number | null;
  /** New connections that its rules counted since they were written; null if they do not count. */
  readonly connections: number | null;
  /** Chosen by a rule of ours. */
  readonly ours: boolean;
  /** e.g. `forwarded by eth0`, `on this node`, `dropped`. */
  readonly way: string;
}

/** What was read of an entry. */
export interface ExplainInput {
  readonly entry: Entry;
  readonly tables: readonly LiveTable[];
  readonly state: NodeState;
  readonly choice: Half;
  readonly ways: readonly Way[];
  /** New connections by instance (`IP:PORT`) where something else than its rules counts them. */
  readonly counted?: ReadonlyMap<string, number> | undefined;
  /** Undefined: the store was not asked, or does not know the entry. */
  readonly targets: readonly RuleTarget[] | undefined;
}

/** The explanation of an entry. */
export interface EntryExplanation {
  readonly entry: string;
  readonly origin: {
    readonly kind: 'node' | 'outside';
    readonly source: string | null;
    readonly device: string;
  };
  readonly steps: readonly ExplainStep[];
  readonly targets: readonly ExplainTarget[];
  /** Part of the connections that end at no destination at all. */
  readonly lost: number;
  readonly findings: readonly ExplainFinding[];
  /** No finding of severity `error`. */
  readonly healthy: boolean;
}

function verdictText(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'jump':
    case 'goto':
      return `${verdict.kind} ${verdict.chain}`;
    case 'dnat':
      return `dnat ${verdict.text}`;
    case 'redirect':
      return `redirect ${verdict.port ?? ''}`.trim();
    case 'snat':
      return `source ${verdict.text}`;
    case 'unknown':
      return verdict.text;
    case 'next':
    case 'accept':
    case 'drop':
    case 'reject':
    case 'return':
      return verdict.kind;
  }
  return verdict satisfies never;
}

/** Steps of all base chains; the same rule met by several flows is one step. */
function stepsOf(asked: readonly Asked[]): readonly ExplainStep[] {
  const found = new Map<string, ExplainStep>();
  for (const { hook, walk, share, place } of asked) {
    for (const step of walk.steps) {
      const rule = step.rule?.text ?? 'policy';
      const key = [hook, place.table.title, step.chain, rule, step.isMaybe].join('\0');
      const before = found.get(key);
      found.set(key, {
        hook,
        table: place.table.title,
        chain: step.chain,
        rule,
        verdict: step.verdicts.map(verdictText).join(' | '),
        share: (before?.share ?? 0) + step.share * share,
        maybe: step.isMaybe,
        packets: step.rule?.packets ?? null,
        ours: step.ours,
      });
    }
  }
  return [...found.values()];
}

function wayText(route: RouteFact, half: Half, arrival: Arrival): string {
  const passing = half.arrivals.reduce((sum, { share }) => sum + share, 0);
  const isMasqueraded = half.arrivals.some(({ packet }) => packet.masqueraded);
  if (route.kind === 'none') return `no route: ${route.why}`;
  if (passing < arrival.share / 2) return 'dropped on the way';
  const to = route.kind === 'local' ? 'on this node' : `by ${route.device}`;
  const gateway = route.kind === 'via' && route.gateway !== undefined ? ` via ${route.gateway}` : '';
  return `${to}${gateway}${isMasqueraded ? ', masqueraded' : ''}`;
}

function countOf(refs: ReadonlySet<RuleRef['rule']>): number | null {
  let sum: number | null = null;
  for (const rule of refs) {
    if (rule?.packets !== undefined) sum = (sum ?? 0) + rule.packets;
  }
  return sum;
}

interface Collected {
  share: number;
  arriving: number;
  readonly rules: Set<RuleRef['rule']>;
  readonly way: Way;
}

function targetsOf(
  { ways, counted }: ExplainInput,
  expected: ReadonlyMap<string, number> | undefined,
): readonly ExplainTarget[] {
  const found = new Map<string, Collected>();
  for (const way of ways) {
    const { packet, share, by } = way.arrival;
    const key = formatAddress({ ip: packet.destination, port: packet.port });
    const passing = way.half.arrivals.reduce((sum, each) => sum + each.share, 0);
    const arriving = way.route.kind === 'none' ? 0 : passing;
    const before = found.get(key);
    if (before === undefined) found.set(key, { share, arriving, rules: new Set([by?.rule]), way });
    else {
      before.share += share;
      before.arriving += arriving;
      before.rules.add(by?.rule);
    }
  }
  return [...found].map(([address, { share, arriving, rules, way }]) => ({
    address,
    share,
    arriving,
    expected: expected?.get(address) ?? null,
    connections: countOf(rules) ?? counted?.get(address) ?? null,
    ours: way.arrival.by?.ours ?? false,
    way: wayText(way.route, way.half, way.arrival),
  }));
}

/** Puts an explanation together. */
export function explanationOf(input: ExplainInput): EntryExplanation {
  const { entry, tables, state, choice, ways, targets } = input;
  const expected = targets === undefined ? undefined : expectedShares(targets);
  const onwards = ways.flatMap(({ half }) => half.asked);
  const live = targetsOf(input, expected);
  const before = choiceFindings({
    entry: formatEntry(entry),
    tables,
    hook: firstHook(state.origin),
    half: choice,
    wanted: targets?.length,
    state,
  });
  const fromOurs = live.filter(({ ours }) => ours);
  const isReached = fromOurs.length > 0;
  const findings = [
    ...withGuard(
      before,
      ways.flatMap(({ half }) => half.losses),
    ),
    ...wayFindings(state, ways),
    ...maybeFindings(onwards),
    ...guardFindings(tables),
    ...nodeFindings(state, entry.ip, tables),
    // If nothing reaches our rules, why is said above, and each instance without a rule would only repeat it.
    ...(expected !== undefined && (isReached || before.length === 0)
      ? storeFindings(expected, fromOurs)
      : []),
  ];
  const unique = [...new Map(findings.map((finding) => [finding.text, finding])).values()];
  const { kind, source, device } = state.origin;
  return {
    entry: formatEntry(entry),
    origin: { kind, source: source ?? null, device },
    steps: stepsOf([...choice.asked, ...onwards]),
    targets: live,
    lost: choice.losses.reduce((sum, { share }) => sum + share, 0),
    findings: unique.toSorted((a, b) => Number(a.severity === 'warn') - Number(b.severity === 'warn')),
    healthy: unique.every(({ severity }) => severity !== 'error'),
  };
}
