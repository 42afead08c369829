/** Owns why weights were written, in one line for people. Pure text. */
import { formatShare } from '../model/share.ts';
import type { Track } from './adaptive/state.ts';

/** An instance whose share should change. */
export interface Move {
  readonly id: string;
  readonly weight: number;
  /** Shares among the instances of its IP family, 0 to 1. */
  readonly from: number;
  readonly to: number;
  readonly track: Track;
}

/** Names of instances in a line at most. */
const MAX_NAMES = 3;

function namesOf(ids: readonly string[]): string {
  const named = ids.slice(0, MAX_NAMES).join(', ');
  return ids.length > MAX_NAMES ? `${named} and ${ids.length - MAX_NAMES} more` : named;
}

const gets = (map: ReadonlyMap<string, number>, id: string): boolean => (map.get(id) ?? 0) > 0;

/** Why another set of instances gets connections: 'get connections now: web-3; no longer: web-1'. */
export function membersReason(
  weights: ReadonlyMap<string, number>,
  written: ReadonlyMap<string, number> | undefined,
): string {
  if (written === undefined) return 'first weights';
  const come = [...weights.keys()].filter((id) => gets(weights, id) && !gets(written, id));
  const gone = [...written.keys()].filter((id) => gets(written, id) && !gets(weights, id));
  const parts = [
    ...(come.length > 0 ? [`get connections now: ${namesOf(come)}`] : []),
    ...(gone.length > 0 ? [`no longer: ${namesOf(gone)}`] : []),
  ];
  return parts.length > 0 ? parts.join('; ') : 'other instances are there';
}

/** Why weights of instances are written that are not ready yet. */
export const comingReason = (ids: readonly string[]): string =>
  `on their way, with little at first: ${namesOf(ids)}`;

/** What was seen of an instance: 'cpu 93%, 41 connections'. */
function seen({ use, connections }: Track): string {
  const parts = [
    ...(use === undefined ? [] : [`cpu ${formatShare(use)}`]),
    ...(connections === undefined ? [] : [`${connections} connections`]),
  ];
  return parts.length === 0 ? 'no samples' : parts.join(', ');
}

/**
 * Why shares move: '12% of new connections go elsewhere, most from web-1 40% to 31% (cpu 93%, 41 connections)'.
 * @param part of the new connections that go elsewhere, 0 to 1
 */
export function moveReason(moves: readonly Move[], part: number): string {
  const size = ({ from, to }: Move): number => Math.abs(to - from);
  const [first, ...rest] = moves;
  if (first === undefined) return 'no instances';
  const { id, from, to, track } = rest.reduce((most, move) => (size(move) > size(most) ? move : most), first);
  const shift = `${id} from ${formatShare(from)} to ${formatShare(to)}`;
  return `${formatShare(part)} of new connections go elsewhere, most by ${shift} (${seen(track)})`;
}
