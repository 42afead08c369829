/**
 * Owns which instances would stand better on another node, for `rebalance`: where each would be started anew is asked of the leader's own
 * placement, so that what is planned is what the leader then does. A move is worth it if it takes a service off a node that has too many
 * of it, or if it makes the fuller of two nodes less full by enough. Pure.
 */
import { timeMs } from '../model/time.ts';
import { formatPercent } from '../model/percent.ts';
import { formatAge } from '../model/duration.ts';
import { type Crowd, sortOut } from './crowd.ts';
import { standNodes } from './nodes.ts';
import { choosePlace, type Wanted } from './placement.ts';
import { assignedPerNode, goalOf } from './plan.ts';
import { perNode, type Unit, unitsByService } from './units.ts';
import { type ClusterView, type Now, unitKey } from './view.ts';

/** What was measured: less than this part of a node's processors is noise. */
const LEAST_USE = 0.05;
/** A service has at most one more instance on one node than on another that could take it (DESIGN 8). */
const MAX_SKEW = 1;

/** What nodes and instances use of processors. */
export interface MeasuredUse {
  /** Of all cores, 0 to 1, by node. */
  readonly nodes: ReadonlyMap<string, number>;
  /** Cores, by `SERVICE/ID`. */
  readonly instances: ReadonlyMap<string, number>;
}

/** What moves are planned from. */
export interface MovesInput {
  readonly view: ClusterView;
  readonly now: Now;
  /** Names of services; undefined: all. */
  readonly services: ReadonlySet<string> | undefined;
  /** Undefined: not every node measures; then the number of instances counts. */
  readonly use: MeasuredUse | undefined;
  /** Of all services together. */
  readonly maxMoves: number;
  /** Fraction by which the fuller of two nodes must get less full. */
  readonly minGain: number;
  /** A service with a younger instance is left alone: it just changed. */
  readonly minAgeMs: number;
  /** Services that are to be left alone, and why. */
  readonly restless: ReadonlyMap<string, string>;
}

/** One instance that would be started anew elsewhere. */
export interface Move {
  readonly service: string;
  readonly id: string;
  readonly from: string;
  /** Where the leader would put it now. */
  readonly to: string;
  readonly reason: 'spread' | 'load';
  /** Fraction by which the fuller of the two nodes gets less full; may be 0 or less where the spread is the reason. */
  readonly gain: number;
  /** One line. */
  readonly why: string;
}

/** A service that is left alone, and why. */
export interface LeftAlone {
  readonly service: string;
  readonly why: string;
}

/** What is planned: at most one move of a service. */
export interface Moves {
  readonly moves: readonly Move[];
  /** Sorted by service. */
  readonly leftAlone: readonly LeftAlone[];
}

/** How full nodes are while moves are being planned. */
interface Board {
  readonly all: Map<string, number>;
  /** By node: used part of its processors, or assignments for each of them. */
  readonly load: Map<string, number>;
}

/** A service that may be moved. */
interface Calm {
  readonly service: string;
  readonly wanted: Wanted;
  readonly units: readonly Unit[];
}

const ageMs = ({ assignment }: Unit, { at }: Now): number =>
  (timeMs(at) ?? 0) - (timeMs(assignment?.value.createdAt ?? '') ?? 0);

/** Why a service is to be left alone now, or undefined. */
function whyNot(input: MovesInput, crowd: Crowd, replicas: number): string | undefined {
  const { current, outdated, broken, forcedOut, lost, leaving, finished } = crowd;
  const changing = [outdated, broken, forcedOut, lost, leaving, finished].flat();
  if (changing.length > 0) return `${changing[0]?.id ?? ''} is being replaced or stopped`;
  if (current.length !== replicas) return `${current.length} of ${replicas} instances are there`;
  const unready = current.find(({ ready }) => !ready);
  if (unready !== undefined) return `${unready.id} is not ready (${unready.state})`;
  const young = current.find((unit) => ageMs(unit, input.now) < input.minAgeMs);
  if (young === undefined) return undefined;
  return `${young.id} was started ${formatAge(ageMs(young, input.now))} ago`;
}

/** Sorts services into those that may be moved and those that are left alone. */
function sortServices(input: MovesInput): {
  readonly calm: readonly Calm[];
  readonly leftAlone: readonly LeftAlone[];
} {
  const { view, now, services, restless } = input;
  const units = unitsByService({ view, nodes: standNodes(view, now.ms), nowMs: now.ms });
  const calm: Calm[] = [];
  const leftAlone: LeftAlone[] = [];
  for (const [service, stored] of [...view.services].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const goal = goalOf(service, stored);
    const { template, templateHash, raw, replicas } = goal;
    if (services?.has(service) === false || template === undefined || templateHash === undefined) continue;
    const own = units.get(service) ?? [];
    if (own.length === 0 && replicas === 0) continue;
    const why =
      view.unreadable.get(service) ?? restless.get(service) ?? whyNot(input, sortOut(goal, own), replicas);
    if (why !== undefined) leftAlone.push({ service, why });
    else calm.push({ service, wanted: { service, template, templateHash, raw }, units: own });
  }
  return { calm, leftAlone };
}

const cpusOf = (view: ClusterView, node: string): number =>
  Math.max(1, view.nodes.get(node)?.facts?.value.cpus ?? 1);

/** What an instance takes of a node; undefined if that is not known. */
function costOn({ view, use }: MovesInput, unit: Unit, node: string): number | undefined {
  const cores = use === undefined ? 1 : use.instances.get(unitKey(unit.service, unit.id));
  return cores === undefined ? undefined : cores / cpusOf(view, node);
}

/** How much less full the fuller of two nodes gets: absolute, and as a fraction of what it was. */
function gainOf(
  input: MovesInput,
  { load }: Board,
  { unit, from, to }: { readonly unit: Unit; readonly from: string; readonly to: string },
): { readonly before: number; readonly gain: number; readonly isEnough: boolean } {
  const [here, there] = [load.get(from) ?? 0, load.get(to) ?? 0];
  const before = Math.max(here, there);
  const after = Math.max(here - (costOn(input, unit, from) ?? 0), there + (costOn(input, unit, to) ?? 0));
  const gain = before > 0 ? (before - after) / before : 0;
  const isNoise = input.use !== undefined && before - after < LEAST_USE;
  return { before, gain, isEnough: !isNoise && gain > input.minGain };
}

/** The words of how full a node is: measured, or by what is assigned to it. */
function fullness({ use, view }: MovesInput, { all, load }: Board, node: string): string {
  if (use !== undefined) return `node/${node} uses ${formatPercent(load.get(node) ?? 0)}`;
  return `node/${node} has ${all.get(node) ?? 0} instances on ${cpusOf(view, node)} processors`;
}

/** What moving one instance would be; undefined if it would not be worth it, or the leader would put it where it is. */
function moveOf(input: MovesInput, board: Board, { service, wanted, units }: Calm, unit: Unit) {
  const from = unit.node ?? '';
  const others = perNode(units.filter((one) => one !== unit));
  const there = perNode(units);
  const load = input.use === undefined ? undefined : board.load;
  const occupancy = { all: board.all, current: others, present: there };
  const place = choosePlace({ view: input.view, nowMs: input.now.ms, load }, wanted, occupancy);
  if (place.kind === 'none' || place.node.name === from) return undefined;
  const to = place.node.name;
  const [count, countTo] = [there.get(from) ?? 0, there.get(to) ?? 0];
  const skew = count - countTo;
  const isUneven = skew > MAX_SKEW;
  const { gain, isEnough } = gainOf(input, board, { unit, from, to });
  if (!isUneven && !isEnough) return undefined;
  const why = isUneven
    ? `node/${from} has ${count} of ${service}, node/${to} ${countTo}`
    : `${fullness(input, board, from)}, ${fullness(input, board, to)}`;
  const reason = isUneven ? 'spread' : 'load';
  const move: Move = { service, id: unit.id, from, to, reason, gain, why };
  return { move, unit, skew: isUneven ? skew : 0 };
}

type Candidate = NonNullable<ReturnType<typeof moveOf>>;

const newest = ({ unit }: Candidate): number => unit.assignment?.createRevision ?? 0;

/** Negative: `a` first. The most uneven, then the largest gain, then the newest, then by name. */
const compare = (a: Candidate, b: Candidate): number =>
  b.skew - a.skew ||
  b.move.gain - a.move.gain ||
  newest(b) - newest(a) ||
  (unitKey(a.move.service, a.move.id) < unitKey(b.move.service, b.move.id) ? -1 : 1);

/** The board after a move. */
function apply(input: MovesInput, board: Board, { move, unit }: Candidate): void {
  for (const [node, sign] of [[move.from, -1] as const, [move.to, 1] as const]) {
    board.all.set(node, (board.all.get(node) ?? 0) + sign);
    board.load.set(node, (board.load.get(node) ?? 0) + sign * (costOn(input, unit, node) ?? 0));
  }
}

function boardOf({ view, use }: MovesInput): Board {
  const all = assignedPerNode(view);
  const load = [...view.nodes.keys()].map((node): [string, number] => [
    node,
    use === undefined ? (all.get(node) ?? 0) / cpusOf(view, node) : (use.nodes.get(node) ?? 0),
  ]);
  return { all, load: new Map(load) };
}

/** Plans moves, the best one first. Equal input, equal moves. */
export function planMoves(input: MovesInput): Moves {
  const { calm, leftAlone } = sortServices(input);
  const board = boardOf(input);
  const moves: Move[] = [];
  const moved = new Set<string>();
  while (moves.length < input.maxMoves) {
    const candidates = calm
      .filter(({ service }) => !moved.has(service))
      .flatMap((one) => one.units.flatMap((unit) => moveOf(input, board, one, unit) ?? []));
    const [best] = candidates.toSorted(compare);
    if (best === undefined) break;
    moves.push(best.move);
    moved.add(best.move.service);
    apply(input, board, best);
  }
  return { moves, leftAlone };
}
