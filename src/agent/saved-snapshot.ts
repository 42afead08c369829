/**
 * Owns the snapshot on disk: what of the store the rules were last made from, so that an agent that starts without a store
 * forwards as before. Written after the kernel has it, seldom enough to cost at most a twentieth of the time; checksummed, and the one
 * before is kept.
 */
import path from 'node:path';
import { SluiceError } from '../errors.ts';
import type { Clock } from '../host/clock.ts';
import { readChecksummed, writeChecksummed } from '../host/files.ts';
import type { Log } from '../host/log.ts';
import type { KeyValue } from '../store/store.ts';

const FILE = 'snapshot.json';
const FORMAT = 1;
const SHORTEST_PAUSE_MS = 250;
const PAUSE_PER_WRITE = 20;
/** Items in one piece of the file. */
const PIECE = 500;

/** The files of a state directory that this module writes: the newest, and the one before. */
export const snapshotFiles = (stateDir: string): readonly string[] => [
  path.join(stateDir, FILE),
  path.join(stateDir, `${FILE}.previous`),
];

/** What is saved: the keys as the store held them, so that a newer version finds fields that this one does not know. */
export interface SavedSnapshot {
  readonly revision: number;
  readonly savedAt: string;
  readonly items: readonly KeyValue[];
}

/** What an agent's saver needs. */
export interface SaverOptions {
  readonly stateDir: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Saves snapshots. */
export interface SnapshotSaver {
  /** Saves soon; `items` is called when it is written, so that a superseded state costs nothing. What was saved last is not saved again. */
  readonly save: (revision: number, items: () => readonly KeyValue[]) => void;
  /** Writes what waits, then ends. */
  readonly close: () => Promise<void>;
}

/** True if the text parsed is a saved snapshot of a format this version reads. */
function isSaved(value: unknown): value is SavedSnapshot & { readonly format: number } {
  if (typeof value !== 'object' || value === null) return false;
  const { format, revision, items }: { format?: unknown; revision?: unknown; items?: unknown } = value;
  return format === FORMAT && Number.isSafeInteger(revision) && Array.isArray(items);
}

/**
 * Reads the saved snapshot, or undefined if there is none.
 * @throws SluiceError `failed` if there is one that cannot be read or is not whole, nor the one before it
 */
export async function loadSnapshot(stateDir: string): Promise<SavedSnapshot | undefined> {
  const file = path.join(stateDir, FILE);
  const read = await readChecksummed(file);
  if (read === undefined) return undefined;
  const value: unknown = JSON.parse(read.text);
  if (isSaved(value)) return value;
  throw new SluiceError('failed', `${file} is not a snapshot this version can read`, {
    why: 'its format is of another version of sluice',
    fix: 'nothing to do: it is replaced as soon as the store answers',
    details: { file },
  });
}

/** A saved snapshot as JSON, in pieces that take about a millisecond each: a change that arrives meanwhile does not wait for all. */
function* piecesOf({ items, ...head }: SavedSnapshot): Generator<string, void, undefined> {
  yield `${JSON.stringify({ format: FORMAT, ...head }).slice(0, -1)},"items":[`;
  for (let start = 0; start < items.length; start += PIECE) {
    const some = items.slice(start, start + PIECE).map((item) => JSON.stringify(item));
    yield `${start === 0 ? '' : ','}${some.join(',')}`;
  }
  yield ']}';
}

/** Starts a saver. A full disk or a read-only one is logged once a change, and the rules go on. */
export function startSnapshotSaver({ stateDir, clock, log }: SaverOptions): SnapshotSaver {
  const closing = new AbortController();
  let waiting: { revision: number; items: () => readonly KeyValue[] } | undefined;
  let running: Promise<void> | undefined;
  let lastWhy = '';
  /** What is on disk: rules are made anew without any news, too, and writing 10,000 services down takes more than all else of an idle agent. */
  let written: typeof waiting;

  const write = async (wanted: NonNullable<typeof waiting>): Promise<void> => {
    const saved = { revision: wanted.revision, savedAt: clock.now().toISOString(), items: wanted.items() };
    try {
      await writeChecksummed(path.join(stateDir, FILE), piecesOf(saved));
      written = wanted;
      lastWhy = '';
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (why !== lastWhy)
        log.error('cannot save the snapshot; a restart without the store would forward as before it', {
          why,
        });
      lastWhy = why;
    }
  };

  const run = async (): Promise<void> => {
    // What else was told of the apply goes out first. No later: an agent that is killed knows by it what it forwarded to.
    await new Promise(setImmediate);
    while (waiting !== undefined) {
      const wanted = waiting;
      waiting = undefined;
      // The same revision is other items after another listing (a store that was set back).
      if (wanted.revision === written?.revision && wanted.items === written.items) continue;
      const started = clock.monotonicMs();
      await write(wanted);
      const pauseMs = Math.max(SHORTEST_PAUSE_MS, (clock.monotonicMs() - started) * PAUSE_PER_WRITE);
      if (!closing.signal.aborted) await clock.sleep(pauseMs, closing.signal);
    }
    running = undefined;
  };

  return {
    save: (revision, items) => {
      waiting = { revision, items };
      running ??= run();
    },
    close: async () => {
      closing.abort();
      await running;
    },
  };
}
