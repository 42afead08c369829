/** Owns the body of `top`. */
import type { ResultCode } from '../../errors.ts';
import { topNodes, topServices } from '../../ops/top.ts';
import type { InvalidRecord } from '../../ops/views.ts';
import type { TopFlags, Toppable } from '../commands/top.ts';
import { isTerminal } from '../io.ts';
import { liveListing } from '../live.ts';
import { type AnyListing, hideItems, writeListing } from '../output/listing.ts';
import { readDeps, type Session } from '../session.ts';
import { watchListing } from '../watch.ts';
import { warnInvalid } from './list.ts';
import { topNodeListing, topServiceListing } from './top-listings.ts';

interface Top {
  readonly listing: AnyListing;
  readonly invalid: readonly InvalidRecord[];
  /** There is a sample of some node. */
  readonly isSampled: boolean;
}

async function read(session: Session, what: Toppable): Promise<Top> {
  const deps = await readDeps(session);
  const { signal } = session;
  if (what === 'services') {
    const view = await topServices(deps, { signal });
    const isSampled = view.items.some(({ sampled }) => sampled > 0);
    return { listing: hideItems(topServiceListing(view)), invalid: view.invalid, isSampled };
  }
  const view = await topNodes(deps, { signal });
  const isSampled = view.items.some(({ sample }) => sample !== 'missing');
  return { listing: hideItems(topNodeListing(view)), invalid: view.invalid, isSampled };
}

async function once(session: Session, what: Toppable, flags: TopFlags): Promise<ResultCode> {
  const { listing, invalid, isSampled } = await read(session, what);
  warnInvalid(session, invalid);
  await writeListing(session, listing, flags);
  if (!isSampled && listing.items.length > 0) {
    session.notes.warn('there are no samples: does sluice monitor run on the nodes?');
  }
  return 'ok';
}

/** Shows what nodes measured. */
export async function topBody(session: Session, what: Toppable, flags: TopFlags): Promise<ResultCode> {
  if (flags.once === true) return once(session, what, flags);
  const { io } = session.deps;
  const next = async (): Promise<AnyListing> => (await read(session, what)).listing;
  const isForPeople = session.settings.output === 'table' || session.settings.output === 'wide';
  return isForPeople && isTerminal(io.stdout) && isTerminal(io.stdin)
    ? liveListing(session, next, { ...flags, title: `sluice top ${what}` })
    : watchListing(session, next, flags);
}
