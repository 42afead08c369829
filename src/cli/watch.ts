/**
 * Owns `--watch`: redraw on a terminal, changed lines on a pipe, one event a line with jsonl. Survives the loss of the store with backoff and
 * ends on a signal or when --timeout has passed.
 */
import { type ResultCode, SluiceError } from '../errors.ts';
import { isTerminal } from './io.ts';
import { type AnyListing, formatListing, type ListingOptions } from './output/listing.ts';
import type { Session } from './session.ts';

const INTERVAL_MS = 1_000;
const LONGEST_BACKOFF_MS = 10_000;
/** Cursor home, and erase to the end of the screen. */
const CLEAR = '\u001b[H\u001b[2J';

/** An event of `-o jsonl`. */
interface WatchEvent {
  readonly type: 'added' | 'changed' | 'deleted';
  readonly item: object;
}

/** Items by reference. */
type Items = ReadonlyMap<string, object>;

/** What ticks by itself is no change. */
function withoutClock(item: object): string {
  return JSON.stringify(item, (key, value: unknown) =>
    ['ageSeconds', 'silentSeconds', 'latencyMs', 'at'].includes(key) ? undefined : value,
  );
}

/** Events that lead from one state to the next, sorted as the items are; deletions last. */
export function eventsBetween(before: Items, after: Items): readonly WatchEvent[] {
  const upserts = [...after].flatMap(([name, item]): readonly WatchEvent[] => {
    const old = before.get(name);
    if (old === undefined) return [{ type: 'added', item }];
    return withoutClock(old) === withoutClock(item) ? [] : [{ type: 'changed', item }];
  });
  const deletions = [...before]
    .filter(([name]) => !after.has(name))
    .map(([, item]): WatchEvent => ({ type: 'deleted', item }));
  return [...upserts, ...deletions];
}

/** A line without the widths of its columns. */
const lineKey = (line: string): string => line.trim().replaceAll(/ {2,}/g, '  ');

/** Lines of `after` that are not in `before`, widths of columns aside. */
export function changedLines(before: string, after: string): string {
  const known = new Set(before.split('\n').map(lineKey));
  return after
    .split('\n')
    .filter((line) => line !== '' && !known.has(lineKey(line)))
    .map((line) => `${line}\n`)
    .join('');
}

/** What has been shown last. */
interface Shown {
  readonly text: string;
  readonly items: Items;
}

const NOTHING: Shown = { text: '', items: new Map() };

/** Writes what is new since `shown`. */
async function show(
  session: Session,
  listing: AnyListing,
  more: { readonly shown: Shown; readonly options: ListingOptions },
): Promise<Shown> {
  const { stdout } = session.deps.io;
  const { output } = session.settings;
  const items = new Map(listing.items.map((item) => [item.name, item.json]));
  const events = eventsBetween(more.shown.items, items);
  const text = await formatListing(session, listing, more.options);
  const people = output === 'table' || output === 'wide';
  if (output === 'jsonl') {
    for (const event of events) stdout.write(`${JSON.stringify(event)}\n`);
  } else if (people && isTerminal(stdout)) {
    stdout.write(`${CLEAR}${text}`);
  } else if (people || output === 'name') {
    stdout.write(changedLines(more.shown.text, text));
  } else if (events.length > 0 || more.shown === NOTHING) {
    stdout.write(output === 'yaml' ? `---\n${text}` : text);
  }
  return { text, items };
}

function endOf(signal: AbortSignal): ResultCode {
  const reason: unknown = signal.reason;
  if (reason instanceof SluiceError && reason.code === 'timeout') return 'ok';
  throw reason;
}

/**
 * Shows a listing again and again.
 * @returns `ok` when --timeout has passed
 * @throws SluiceError the reason of the signal; failures other than an unreachable store
 */
export async function watchListing(
  session: Session,
  read: () => Promise<AnyListing>,
  options: ListingOptions,
): Promise<ResultCode> {
  const { clock } = session.deps;
  let shown = NOTHING;
  let backoffMs = INTERVAL_MS;
  while (!session.signal.aborted) {
    try {
      shown = await show(session, await read(), { shown, options });
      backoffMs = INTERVAL_MS;
    } catch (error) {
      if (session.signal.aborted) break;
      if (!(error instanceof SluiceError) || error.code !== 'unavailable') throw error;
      if (backoffMs === INTERVAL_MS) session.notes.warn(`${error.message}; going on trying`);
      backoffMs = Math.min(backoffMs * 2, LONGEST_BACKOFF_MS);
    }
    await clock.sleep(backoffMs, session.signal);
  }
  return endOf(session.signal);
}
