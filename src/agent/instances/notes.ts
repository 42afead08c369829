/**
 * Owns what an agent writes down of its instances: enough to go on with the same processes after it was killed, also without the store.
 * One file for all, written as a whole (temp, fsync, rename; the one before is kept) by one writer, so that a hundred starts share a few
 * writes. A disk that refuses is told, stops no instance, and is tried again.
 */
import path from 'node:path';
import { SluiceError } from '../../errors.ts';
import type { Clock } from '../../host/clock.ts';
import { readChecksummed, writeChecksummed } from '../../host/files.ts';
import type { Log } from '../../host/log.ts';
import type { StartOrder } from '../../runtime/driver.ts';
import type { Life } from './life.ts';
import { shifted } from './phase-views.ts';

const FILE = 'instances.json';
const FORMAT = 1;
const RETRY_MS = 2_000;
/** Between two writes that nobody waits for: all notes are written each time. */
const PAUSE_MS = 200;
/** Before a write that nobody waits for: what is urgent has the disk and the processor first, and changes come together. */
const LEAD_MS = 100;

/** The files of a state directory that this module writes: the newest, and the one before. */
export const noteFiles = (stateDir: string): readonly string[] => [
  path.join(stateDir, FILE),
  path.join(stateDir, `${FILE}.previous`),
];

/** What is known of one instance. */
export interface Note {
  readonly service: string;
  readonly id: string;
  /** JSON of its assignment as the store held it, so that fields of other versions are kept; undefined: found without one. */
  readonly assignment?: string | undefined;
  /** How it was started last; undefined: never. */
  readonly order?: StartOrder | undefined;
  readonly life: Life;
  /** Since when it is in its state, RFC 3339. */
  readonly since: string;
}

interface NoteFile {
  readonly format: number;
  readonly savedAt: string;
  readonly savedMonotonicMs: number;
  readonly notes: readonly Note[];
}

function isNoteFile(value: unknown): value is NoteFile {
  if (typeof value !== 'object' || value === null) return false;
  const file = value as { readonly [K in keyof NoteFile]?: unknown };
  return (
    file.format === FORMAT &&
    typeof file.savedAt === 'string' &&
    typeof file.savedMonotonicMs === 'number' &&
    Array.isArray(file.notes) &&
    file.notes.every(isNote)
  );
}

/** What the code relies on; the checksum says that this is what an agent wrote. */
function isNote(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const note = value as { readonly [K in keyof Note]?: unknown };
  const { life } = note;
  return (
    typeof note.service === 'string' &&
    typeof note.id === 'string' &&
    typeof note.since === 'string' &&
    typeof life === 'object' &&
    life !== null &&
    'phase' in life &&
    typeof life.phase === 'object' &&
    'timing' in life &&
    typeof life.timing === 'object' &&
    'ends' in life &&
    Array.isArray(life.ends)
  );
}

/**
 * Reads the notes; their times are moved to this process's monotonic time. A wall clock that was set back counts as no time passed.
 * @throws SluiceError `failed` if there are some that cannot be read, `permission`
 */
export async function loadNotes(stateDir: string, clock: Clock): Promise<readonly Note[]> {
  const file = path.join(stateDir, FILE);
  const read = await readChecksummed(file);
  if (read === undefined) return [];
  const value: unknown = JSON.parse(read.text);
  if (!isNoteFile(value)) {
    throw new SluiceError('failed', `${file} is not what this version can read`, {
      why: 'it was written by another version of sluice',
      fix: 'start the agent of that version; instances run on meanwhile',
      details: { file },
    });
  }
  const passedMs = Math.max(0, clock.now().getTime() - Date.parse(value.savedAt));
  const ms = clock.monotonicMs() - passedMs - value.savedMonotonicMs;
  return value.notes.map((note) => ({ ...note, life: shifted(note.life, ms) }));
}

/** Keeps the notes on disk. */
export interface Notes {
  /** Something has changed: written soon. */
  readonly changed: () => void;
  /**
   * Resolves when everything that was true at the call is on disk.
   * @throws SluiceError `failed` if the disk refuses, `permission`
   */
  readonly flush: () => Promise<void>;
  /** Writes what waits, once. */
  readonly close: () => Promise<void>;
}

/** What keeping notes needs. */
export interface NotesOptions {
  readonly stateDir: string;
  /** Everything as it is now. */
  readonly all: () => readonly Note[];
  readonly clock: Clock;
  readonly log: Log;
}

/** Starts keeping notes. */
export function keepNotes({ stateDir, all, clock, log }: NotesOptions): Notes {
  const closing = new AbortController();
  let running: Promise<void> | undefined;
  /** Counts changes; what is on disk is everything up to `kept`. */
  const count = { wanted: 0, kept: 0 };
  let refusal: SluiceError | undefined;
  /** Aborted when somebody waits for a write. */
  let nap = new AbortController();
  let waiters: readonly {
    readonly upTo: number;
    readonly resolve: () => void;
    readonly reject: (why: SluiceError) => void;
  }[] = [];

  const settle = (done: number, error: SluiceError | undefined): void => {
    const due = waiters.filter(({ upTo }) => upTo <= done);
    waiters = waiters.filter(({ upTo }) => upTo > done);
    for (const { resolve, reject } of due) {
      if (error === undefined) resolve();
      else reject(error);
    }
  };

  const writeOnce = async (): Promise<void> => {
    const upTo = count.wanted;
    const file: NoteFile = {
      format: FORMAT,
      savedAt: clock.now().toISOString(),
      savedMonotonicMs: clock.monotonicMs(),
      notes: all(),
    };
    try {
      await writeChecksummed(path.join(stateDir, FILE), JSON.stringify(file));
      count.kept = upTo;
      if (refusal !== undefined) log.info('notes of instances can be written again');
      refusal = undefined;
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      if (refusal?.why !== error.why) {
        const why = error.why ?? error.message;
        log.error('notes of instances cannot be written; instances run on, none is started', { why });
      }
      refusal = error;
    }
    settle(upTo, refusal);
  };

  const rest = async (ms: number): Promise<void> => {
    if (waiters.length > 0 || closing.signal.aborted) return;
    nap = new AbortController();
    await clock.sleep(ms, nap.signal);
  };

  const run = async (): Promise<void> => {
    await rest(LEAD_MS);
    while (count.kept < count.wanted) {
      await writeOnce();
      if (closing.signal.aborted && refusal !== undefined) break;
      await rest(refusal === undefined ? PAUSE_MS : RETRY_MS);
    }
    running = undefined;
  };
  const wake = (): void => {
    running ??= run();
  };

  return {
    changed: () => {
      count.wanted += 1;
      wake();
    },
    flush: async () => {
      count.wanted += 1;
      await new Promise<void>((resolve, reject) => {
        waiters = [...waiters, { upTo: count.wanted, resolve, reject }];
        nap.abort();
        wake();
      });
    },
    close: async () => {
      count.wanted += 1;
      closing.abort();
      nap.abort();
      wake();
      await running;
    },
  };
}
