/**
 * Owns the weights of a service: what its policy makes of samples, and whether that is worth a write. Pure; the leader calls it every tick
 * and whenever instances changed, and writes what it returns to `weights/<service>`.
 *
 * Weights act inside the base weights that an admin set: 0 stays 0, the others are where learning begins.
 */
import { instanceKey } from '../model/load.ts';
import { formatShare } from '../model/share.ts';
import { integerWeights } from './adaptive/integers.ts';
import { adaptiveShares, type ShareOptions } from './adaptive/shares.ts';
import type { Signals } from './adaptive/signals.ts';
import type { BalanceState } from './adaptive/state.ts';
import { TAU_MS } from './adaptive/track.ts';
import { watch } from './adaptive/watch.ts';
import { usableOf } from './panic.ts';
import { membersReason, type Move, moveReason } from './weigh-reason.ts';

/** Shares are written anew when this much of the new connections would go elsewhere (total variation): quiet, at 1-3 % of p99. */
const WORTH_A_WRITE = 0.05;

/** What the admin chose: all alike, as typed, or by load. */
export type Weighting =
  | { readonly kind: 'equal' }
  | { readonly kind: 'static' }
  /** `slowStartMs`: so long a new instance gets less than its fair share; 0: not at all. */
  | { readonly kind: 'adaptive'; readonly slowStartMs: number };

/** What is chosen where nobody says anything. */
export const DEFAULT_SLOW_START_MS = 10_000;

/** An instance that is ready. */
export interface Candidate {
  readonly id: string;
  readonly ip: string;
  /** Base weight 0-65535. */
  readonly weight: number;
  readonly healthy: boolean;
}

/** Weights by instance id; integers ≥ 0, sorted by id. */
export type Weights = ReadonlyMap<string, number>;

/** What weights are made from. */
export interface WeighInput {
  readonly service: string;
  readonly weighting: Weighting;
  /** All ready instances of the service. */
  readonly instances: readonly Candidate[];
  readonly signals: Signals;
  /** What was returned last; undefined: nothing, or not for this policy. */
  readonly state: BalanceState | undefined;
  /** What stands in the store; undefined: nothing. */
  readonly written: Weights | undefined;
  /** Monotonic. */
  readonly nowMs: number;
}

/** What is to be done. */
export interface Weighing {
  /** For the next call; undefined with policies that need none. */
  readonly state: BalanceState | undefined;
  /** Those that should be in force now: new ones to be written, or those that are. */
  readonly weights: Weights;
  readonly write: boolean;
  /** One line. */
  readonly reason: string;
  /** Fewer than half are healthy, and all are used. */
  readonly isPanic: boolean;
}

const isIpv6 = ({ ip }: Candidate): boolean => ip.includes(':');
const byId = (a: Candidate, b: Candidate): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

/** Weights of all instances, those that are not named 0. */
function weightsOf(instances: readonly Candidate[], named: ReadonlyMap<string, number>): Weights {
  return new Map(instances.map(({ id }) => [id, named.get(id) ?? 0]));
}

/** Shares that written weights give these instances among themselves; 0 for all if none has any. */
function liveShares(group: readonly Candidate[], written: Weights | undefined): readonly number[] {
  const weights = group.map(({ id }) => written?.get(id) ?? 0);
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => (all === 0 ? 0 : weight / all));
}

/** Total variation between the shares in force and the new ones: the part of new connections that goes elsewhere, 0 to 1. */
const variationOf = (moves: readonly Move[]): number =>
  moves.reduce((sum, { from, to }) => sum + Math.abs(to - from), 0) / 2;

interface GroupOptions extends ShareOptions {
  readonly written: Weights | undefined;
  readonly tracks: BalanceState['tracks'];
}

/** New weights of the instances of one IP family, which stand for each other. */
function weighGroup(
  group: readonly Candidate[],
  { written, tracks, turnover, slowStartMs }: GroupOptions,
): readonly Move[] {
  const live = liveShares(group, written);
  const sharers = group.flatMap(({ id }, index) => {
    const track = tracks[id];
    return track === undefined ? [] : { id, track, live: live[index] ?? 0 };
  });
  const weights = integerWeights(adaptiveShares(sharers, { turnover, slowStartMs }));
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  return sharers.map(({ id, track, live: from }, index) => {
    const weight = weights[index] ?? 0;
    return { id, weight, from, to: weight / all, track };
  });
}

/** True if the same instances get connections, and the same are named. */
function sameMembers(weights: Weights, written: Weights): boolean {
  if (weights.size !== written.size) return false;
  return [...weights].every(([id, weight]) => {
    const before = written.get(id);
    return before !== undefined && before > 0 === weight > 0;
  });
}

function sameWeights(weights: Weights, written: Weights): boolean {
  return weights.size === written.size && [...weights].every(([id, weight]) => written.get(id) === weight);
}

type Verdict = Pick<Weighing, 'write' | 'reason'>;

function judge(
  { written }: WeighInput,
  weights: Weights,
  found: { readonly groups: readonly (readonly Move[])[]; readonly state: BalanceState },
): Verdict {
  if (written === undefined || !sameMembers(weights, written))
    return { write: true, reason: membersReason(weights, written) };
  if (found.state.watchedMs < TAU_MS) return { write: false, reason: 'just begun to watch: weights stay' };
  if (found.groups.flat().every(({ track }) => track.knownMs === 0))
    return { write: false, reason: 'no samples: weights stay' };
  const widest = found.groups
    .map((moves) => ({ moves, part: variationOf(moves) }))
    .reduce((most, group) => (group.part > most.part ? group : most));
  if (widest.part <= WORTH_A_WRITE)
    return { write: false, reason: `within ${formatShare(WORTH_A_WRITE)} of what samples ask for` };
  return { write: true, reason: moveReason(widest.moves, widest.part) };
}

function weighByLoad(
  input: WeighInput,
  usable: readonly Candidate[],
  slowStartMs: number,
): Omit<Weighing, 'isPanic'> {
  const { service, instances, signals, written } = input;
  const watched = usable.map(({ id, weight }) => ({
    id,
    base: weight,
    signal: signals.get(instanceKey(service, id)),
  }));
  const state = watch(input.state, watched, input.nowMs);
  const { tracks, turnover } = state;
  const groups = [usable.filter((one) => !isIpv6(one)), usable.filter(isIpv6)]
    .filter((group) => group.length > 0)
    .map((group) => weighGroup(group, { written, slowStartMs, tracks, turnover }));
  const weights = weightsOf(instances, new Map(groups.flat().map(({ id, weight }) => [id, weight])));
  const verdict = judge(input, weights, { groups, state });
  return { ...verdict, state, weights: verdict.write ? weights : (written ?? weights) };
}

function weighByHand(
  { instances, written, weighting }: WeighInput,
  usable: readonly Candidate[],
): Omit<Weighing, 'isPanic'> {
  const weights = weightsOf(
    instances,
    new Map(usable.map(({ id, weight }) => [id, weighting.kind === 'equal' ? 1 : weight])),
  );
  const write = written === undefined || !sameWeights(weights, written);
  const said = weighting.kind === 'equal' ? 'all alike' : 'as the base weights say';
  return { state: undefined, weights, write, reason: write ? membersReason(weights, written) : said };
}

/**
 * Weighs the instances of a service.
 *
 * Missing, stale or impossible samples move nothing: an instance without any keeps its share for 30 s, then gets its fair one; a service
 * without any keeps its weights; after a gap in the ticks nothing moves for 5 s.
 * @returns equal input, equal result
 */
export function weigh(input: WeighInput): Weighing {
  const instances = input.instances.toSorted(byId);
  const { usable, isPanic } = usableOf(instances.filter(({ weight }) => weight > 0));
  const sorted = { ...input, instances };
  const weighing =
    input.weighting.kind === 'adaptive'
      ? weighByLoad(sorted, usable, input.weighting.slowStartMs)
      : weighByHand(sorted, usable);
  const panic = isPanic ? '; fewer than half are healthy, so all are used' : '';
  return { ...weighing, reason: `${weighing.reason}${panic}`, isPanic };
}
