/**
 * Owns what a new watcher is told first: everything, as text. Watchers that come together (all of them, when a server comes back) share one
 * listing; each then follows from its revision.
 */
import type { ReadDeps } from '../../ops/deps.ts';
import { eachPaced } from '../../model/pace.ts';
import { eventText } from './event-stream.ts';
import { everything } from './watch-items.ts';

/** Characters of one piece. */
const PIECE_CHARACTERS = 64 * 1024;

/** Everything at a revision. */
export interface FirstListing {
  readonly revision: number;
  /** Events as text, many in each piece. */
  readonly pieces: readonly string[];
}

async function listingOf(deps: ReadDeps): Promise<FirstListing> {
  const { revision, events } = await everything(deps);
  const pieces: string[] = [];
  let piece = '';
  await eachPaced(events, deps.reading?.pace, (event) => {
    piece += eventText(event);
    if (piece.length < PIECE_CHARACTERS) return;
    pieces.push(piece);
    piece = '';
  });
  return { revision, pieces: [...pieces, piece] };
}

/**
 * Lists, or waits for the listing that is under way. Whoever asks must be allowed to read all of it.
 * @throws SluiceError `unavailable`
 */
export type ListFirst = (deps: ReadDeps) => Promise<FirstListing>;

/** Nothing is under way. */
export function createFirstListing(): ListFirst {
  let underWay: Promise<FirstListing> | undefined;
  const list = async (deps: ReadDeps): Promise<FirstListing> => {
    try {
      return await listingOf(deps);
    } finally {
      underWay = undefined;
    }
  };
  return async (deps) => (underWay ??= list(deps));
}
