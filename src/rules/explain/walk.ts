/**
 * Owns walking one base chain: every way a packet can take through it with its chance, what was met on the way, and what may take the
 * packet though it cannot be told. Pure.
 */
import type { Branch, Evaluation, LiveRule, LiveTable, Place, Verdict } from './live.ts';
import { isOurs } from './live.ts';
import { type Packet, stateKey } from './packet.ts';

/** A rule with where it stands. */
export interface RuleRef {
  readonly table: LiveTable;
  readonly chain: string;
  /** Undefined: the policy of a base chain. */
  readonly rule: LiveRule | undefined;
  readonly ours: boolean;
}

/** A rule that was met. */
export interface Step extends RuleRef {
  /** Part of the connections that reach it and match. */
  readonly share: number;
  /** It may match, no more is known. */
  readonly isMaybe: boolean;
  readonly unknown: readonly string[];
  readonly verdicts: readonly Verdict[];
}

/** One way out of a base chain. */
export interface End {
  readonly share: number;
  readonly packet: Packet;
  readonly verdict: Verdict;
  readonly by: RuleRef;
}

/** What became of a packet in a base chain. */
export interface Walk {
  readonly ends: readonly End[];
  readonly steps: readonly Step[];
}

/** nf_tables allows 16 levels; legacy more, but nobody nests so deep. */
const MAX_DEPTH = 32;
/** Shares below this are roundings of chances. */
const LEAST = 1e-12;

interface Flow {
  readonly share: number;
  readonly packet: Packet;
}

interface Here {
  readonly table: LiveTable;
  readonly steps: Step[];
  readonly depth: number;
}

/** Flows that left a chain: with a verdict, or back to who called it. */
interface Left {
  readonly ends: readonly End[];
  readonly back: readonly Flow[];
}

const isNext = ({ verdict }: Branch): boolean => verdict.kind === 'next';

/** Equal packets are one flow. */
function merged(flows: readonly Flow[]): readonly Flow[] {
  const byState = new Map<string, Flow>();
  for (const flow of flows) {
    if (flow.share < LEAST) continue;
    const key = stateKey(flow.packet);
    byState.set(key, { packet: flow.packet, share: flow.share + (byState.get(key)?.share ?? 0) });
  }
  return [...byState.values()];
}

interface Taken extends Left {
  /** What goes on to the next rule. */
  readonly on: readonly Flow[];
}

function take(
  flow: Flow,
  ref: RuleRef,
  { branch, here }: { readonly branch: Branch; readonly here: Here },
): Taken {
  const share = flow.share * branch.chance;
  const { verdict } = branch;
  const next: Flow = { share, packet: flow.packet };
  if (verdict.kind === 'next') return { ends: [], back: [], on: [next] };
  if (verdict.kind === 'return') return { ends: [], back: [next], on: [] };
  if (verdict.kind !== 'jump' && verdict.kind !== 'goto')
    return { ends: [{ ...next, verdict, by: ref }], back: [], on: [] };
  const { ends, back } = walkChain(here, verdict.chain, next);
  return verdict.kind === 'jump' ? { ends, back: [], on: back } : { ends, back, on: [] };
}

/** A rule that may match: what it could do is noted, and the packet goes on. Chains below it are looked at for the same. */
function noteMaybe(
  flow: Flow,
  ref: RuleRef,
  found: { readonly evaluation: Evaluation; readonly here: Here },
): void {
  const { evaluation, here } = found;
  if (evaluation.branches.every(isNext)) return;
  here.steps.push({
    ...ref,
    share: flow.share,
    isMaybe: true,
    unknown: evaluation.unknown,
    verdicts: evaluation.branches.map(({ verdict }) => verdict),
  });
  const inside: Step[] = [];
  for (const { verdict } of evaluation.branches) {
    if (verdict.kind !== 'jump' && verdict.kind !== 'goto') continue;
    const { ends } = walkChain({ ...here, steps: inside }, verdict.chain, flow);
    for (const end of ends) {
      if (end.verdict.kind === 'accept' && end.by.rule === undefined) continue;
      here.steps.push({
        ...end.by,
        share: flow.share,
        isMaybe: true,
        unknown: evaluation.unknown,
        verdicts: [end.verdict],
      });
    }
  }
}

function passRule(flow: Flow, ref: RuleRef & { readonly rule: LiveRule }, here: Here): Taken {
  const evaluation = ref.rule.evaluate(flow.packet);
  if (evaluation.match === 'no') return { ends: [], back: [], on: [flow] };
  if (evaluation.match === 'maybe') {
    noteMaybe(flow, ref, { evaluation, here });
    return { ends: [], back: [], on: [flow] };
  }
  const { branches, packet, unknown } = evaluation;
  const share = branches.reduce((sum, { chance }) => sum + chance, 0) * flow.share;
  const isSilent = branches.every(isNext) && packet === flow.packet;
  if (!isSilent) {
    here.steps.push({
      ...ref,
      share,
      isMaybe: false,
      unknown,
      verdicts: branches.map(({ verdict }) => verdict),
    });
  }
  const taken = branches.map((branch) => take({ share: flow.share, packet }, ref, { branch, here }));
  return {
    ends: taken.flatMap(({ ends }) => ends),
    back: taken.flatMap(({ back }) => back),
    on: [...taken.flatMap(({ on }) => on), { share: flow.share - share, packet: flow.packet }],
  };
}

function walkChain(here: Here, name: string, flow: Flow): Left {
  const { table, depth } = here;
  const chain = table.chains.get(name);
  if (chain === undefined || depth > MAX_DEPTH) return { ends: [], back: [flow] };
  const below: Here = { ...here, depth: depth + 1 };
  const ours = isOurs(table, name);
  const ends: End[] = [];
  const back: Flow[] = [];
  let flows: readonly Flow[] = [flow];
  for (const rule of chain.rules()) {
    const taken = flows.map((each) => passRule(each, { table, chain: name, rule, ours }, below));
    for (const left of taken) {
      ends.push(...left.ends);
      back.push(...left.back);
    }
    flows = merged(taken.flatMap(({ on }) => on));
    if (flows.length === 0) break;
  }
  return { ends, back: [...back, ...flows] };
}

/** Walks a base chain; what comes back from its rules gets its policy. */
export function walkBase({ table, base }: Place, packet: Packet): Walk {
  const steps: Step[] = [];
  const left = walkChain({ table, steps, depth: 0 }, base.chain, { share: 1, packet });
  const ours = isOurs(table, base.chain);
  const by: RuleRef = { table, chain: base.chain, rule: undefined, ours };
  const back = merged(left.back).map((flow): End => ({ ...flow, verdict: { kind: base.policy }, by }));
  return { ends: [...left.ends, ...back], steps };
}
