/** Owns how full each instance will be in a moment, and how many connections there are to hand out until then. Pure. */
import { capacityOf } from './learn.ts';
import type { Track } from './state.ts';
import type { Vessel } from './water.ts';

/**
 * What comes within H = .5 (T + D) is handed out: samples come every T = 2 s, weights act about D = .5 s later. Found by simulation: with less
 * weights begin to swing, with more backlogs last longer.
 */
const HORIZON_SECONDS = 0.5 * (2 + 0.5);
/**
 * Connections that end within so long do not stand in the way. The others end, too, but where all are filled alike they end in proportion
 * to what instances can do, so that their ends cancel out. With H in its place a backlog that is just worked off in that time would not
 * be seen at all; with 0 weights would follow every single short connection.
 */
const ENDS_SECONDS = 0.1;
/**
 * Where nobody counts new connections they may all be short: what a sample shows is then what the weights of now make. Handing out as many
 * as there are would throw those weights to the other side, sample after sample; so a quarter of what one has too much is made good at a time.
 */
const UNCOUNTED_TIMES = 4;
/** Handed out is at least this part of all connections: less, and all new ones go to one instance until the next sample. */
const LEAST_PART = 0.2;
const LEAST_WORK = 0.01;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** What instances do: connections that end a second for each unit of capacity in use; undefined where nobody sees processors. */
function yieldOf(tracks: readonly Track[]): number | undefined {
  const seen = tracks.filter(({ use, ended }) => use !== undefined && ended !== undefined);
  if (seen.length === 0) return undefined;
  const work = sum(seen.map((track) => capacityOf(track) * (track.use ?? 0)));
  return sum(seen.map(({ ended }) => ended ?? 0)) / Math.max(LEAST_WORK, work);
}

/**
 * Instances as vessels. In them stand the connections that do not end at once. Of n connections turnover · n end a second, but not
 * more than the instance can do; rates of single instances are not asked, since they lag behind for seconds when something changes.
 * @param tracks of which the connections are known
 * @param turnover part of the connections that ends in a second, while nothing is saturated
 */
export function vesselsOf(tracks: readonly Track[], turnover: number | undefined): readonly Vessel[] {
  const yielded = yieldOf(tracks);
  return tracks.map((track) => {
    const { connections = 0, ended = 0 } = track;
    const capacity = capacityOf(track);
    const ends =
      yielded === undefined || turnover === undefined
        ? ended
        : Math.min(turnover * connections, yielded * capacity);
    return { capacity, content: Math.max(0, connections - ends * ENDS_SECONDS) };
  });
}

/** How many connections to hand out; where nobody counts new ones, several times as many as there are. */
export function amountOf(tracks: readonly Track[]): number {
  const all = sum(tracks.map(({ meanConnections }) => meanConnections ?? 0));
  const isCounted = tracks.every(({ rate, connections }) => rate !== undefined || connections === 0);
  const coming = sum(tracks.map(({ rate }) => rate ?? 0)) * HORIZON_SECONDS;
  return Math.max(isCounted ? coming : UNCOUNTED_TIMES * all, LEAST_PART * all, 1);
}
