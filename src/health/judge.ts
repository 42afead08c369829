/**
 * Owns what follows from the evidence: what is to be left out of the rules at once, and what may be given up now, a small part of the registry
 * at a time, in random order, and never the last of a service. Pure: randomness is an argument.
 */
import { usableOf } from '../balance/panic.ts';
import { type Gate, type HealthView, type InstanceEvidence, nameOf } from './evidence.ts';
import { expectedNodes } from './expectation.ts';
import { gateOf } from './gate.ts';
import { instanceAwaySince, isLostInstance, isProvenGone, lostNodes, nodeAwaySince } from './standing.ts';

/** At most this share of the registry is given up in one pass, and one always (Eureka evicts the same share). */
const PASS_SHARE = 0.15;

/** Name of an instance. */
export type InstanceName = Pick<InstanceEvidence, 'service' | 'id'>;

/** What follows now. */
export interface Judgement {
  readonly gate: Gate;
  /** Nodes whose instances are to be started elsewhere; none while the gate is closed. */
  readonly lostNodes: readonly string[];
  /** To be left out of the rules until they answer, sorted by name; none while the gate is closed. */
  readonly withdraw: readonly InstanceName[];
  /** To be removed in this pass, in the order in which they were drawn; none while the gate is closed. */
  readonly evict: readonly InstanceName[];
}

/** Instances by service. */
function byService(instances: readonly InstanceEvidence[]): ReadonlyMap<string, readonly InstanceEvidence[]> {
  const services = new Map<string, InstanceEvidence[]>();
  for (const one of instances) {
    const others = services.get(one.service);
    if (others === undefined) services.set(one.service, [one]);
    else others.push(one);
  }
  return services;
}

/** The items in random order (Fisher and Yates). */
function shuffled<T>(items: readonly T[], random: () => number): readonly T[] {
  const left = [...items];
  return items.flatMap(() => left.splice(Math.floor(random() * left.length), 1));
}

const since = ({ silentSinceMs = 0 }: InstanceEvidence): number => silentSinceMs;
const compareNames = (a: InstanceName, b: InstanceName): number => (nameOf(a) < nameOf(b) ? -1 : 1);

/** Those of one service that may go: all that are lost, but for one if no other is left, the one that was heard last. */
function expendable(
  all: readonly InstanceEvidence[],
  isLost: (one: InstanceEvidence) => boolean,
): readonly InstanceEvidence[] {
  const lost = all.filter(isLost);
  if (lost.length < all.length) return lost;
  return lost.toSorted((a, b) => since(a) - since(b) || compareNames(a, b)).slice(0, -1);
}

/** What leaves by order is on its way out by other means, and is no company for the last one of a service. */
const staying = ({ instances, intent }: HealthView): readonly InstanceEvidence[] =>
  instances.filter((one) => !intent.leaving.has(nameOf(one)));

/** What may be removed in this pass. */
function evictions(
  view: HealthView,
  lost: ReadonlySet<string>,
  random: () => number,
): readonly InstanceName[] {
  const { instances, nowMs } = view;
  const candidates = [...byService(staying(view)).values()].flatMap((all) =>
    expendable(all, (one) => isLostInstance(one, { nowMs, lost })),
  );
  const count = Math.max(1, Math.floor(PASS_SHARE * instances.length));
  return shuffled(candidates, random)
    .slice(0, count)
    .map(({ service, id }) => ({ service, id }));
}

/** What is out of reach or proven to be gone, but for services of which too little would be left. */
function withdrawals(view: HealthView): readonly InstanceName[] {
  const { nodes, nowMs } = view;
  const away = new Set(
    nodes.filter((node) => nodeAwaySince(node, nowMs) !== undefined).map(({ name }) => name),
  );
  const isAway = (one: InstanceEvidence): boolean =>
    (one.node !== undefined && away.has(one.node)) ||
    instanceAwaySince(one, nowMs) !== undefined ||
    isProvenGone(one.probes, nowMs);
  return [...byService(staying(view)).values()].flatMap((all) => {
    const { isPanic } = usableOf(all.map((one) => ({ healthy: !isAway(one) })));
    return isPanic ? [] : all.filter(isAway).map(({ service, id }) => ({ service, id }));
  });
}

/**
 * Judges once.
 * @param random numbers in [0, 1)
 */
export function judge(view: HealthView, random: () => number): Judgement {
  const gate = gateOf(view);
  if (gate.kind === 'closed') return { gate, lostNodes: [], withdraw: [], evict: [] };
  const excused = view.intent.excusedNodes;
  const lost = lostNodes(view, expectedNodes(view).length);
  return {
    gate,
    lostNodes: [...lost].filter((name) => !excused.has(name)).toSorted(),
    withdraw: withdrawals(view).toSorted(compareNames),
    evict: evictions(view, lost, random),
  };
}
