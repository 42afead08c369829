/**
 * Owns reading an instance's output from outside its agent, for `sluice logs`: the files below the agent's state folder, through rotations
 * that another process does (the front of a file is copied to `.1`, then cut off). Writes nothing, and works without agent and store.
 */
import { type Stats, existsSync, readdirSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../host/clock.ts';
import type { LogOptions } from '../driver.ts';

const CHUNK_BYTES = 64 * 1024;
/** How often a followed file is looked at. */
const FOLLOW_MS = 100;
const NEWLINE = 10;

/** Bytes of one file, from one place to another. */
interface Piece {
  readonly file: string;
  readonly from: number;
  readonly to: number;
}

/** Where a reader of one stream stands. */
interface Place {
  readonly file: string;
  /** Bytes that were read of the file itself. */
  at: number;
  /** Size at the last look. */
  size: number;
  /** The newest rotated file that was seen; '' if there was none. */
  known: string;
  /** Looks at which there was a new rotated file, but the file itself was not cut yet. */
  waited: number;
}

/** Looks after which a file counts as cut even if it is as long as what was rotated. */
const MAX_WAITED = 10;

function statOf(file: string): Stats | undefined {
  return statSync(file, { throwIfNoEntry: false });
}

/**
 * Folder of an instance's output on this machine, whichever driver started it; undefined if there is none.
 * @param id of the instance; one plain name
 * @throws the system's error if the state folder must not be read (EACCES)
 */
export function outputFolder(stateDir: string, id: string): string | undefined {
  const drivers = path.join(stateDir, 'drivers');
  if (id.includes('/') || id.startsWith('.') || !existsSync(drivers)) return undefined;
  return readdirSync(drivers)
    .toSorted()
    .map((driver) => path.join(drivers, driver, 'instances', id))
    .find((folder) => statOf(folder)?.isDirectory() === true);
}

/** The files of one stream, oldest first. */
function piecesOf(file: string): readonly Piece[] {
  const pieces: Piece[] = [{ file, from: 0, to: statOf(file)?.size ?? 0 }];
  for (let age = 1; ; age += 1) {
    const rotated = statOf(`${file}.${age}`);
    if (rotated === undefined) return pieces.toReversed();
    pieces.push({ file: `${file}.${age}`, from: 0, to: rotated.size });
  }
}

async function* read({ file, from, to }: Piece): AsyncGenerator<Buffer> {
  if (from < to) yield* readOpened(await open(file, 'r'), from, to);
}

/** Closes what it reads. */
async function* readOpened(handle: FileHandle, from: number, to: number): AsyncGenerator<Buffer> {
  try {
    for (let at = from; at < to;) {
      const { buffer, bytesRead } = await handle.read(
        Buffer.alloc(Math.min(CHUNK_BYTES, to - at)),
        0,
        Math.min(CHUNK_BYTES, to - at),
        at,
      );
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** Where the last so many lines begin: place in a file, and the rotated file before it. A last line without an end counts. */
async function placeOfTail(file: string, lines: number): Promise<Pick<Place, 'at' | 'known'>> {
  const pieces = piecesOf(file).toReversed();
  const before = (age: number): string => {
    const stats = statOf(`${file}.${age + 1}`);
    return stats === undefined ? '' : identityOf(stats);
  };
  let left = lines;
  let isEnd = true;
  if (lines === 0) return { at: pieces[0]?.to ?? 0, known: before(0) };
  for (const [age, piece] of pieces.entries()) {
    for (let high = piece.to; high > 0;) {
      const low = Math.max(0, high - CHUNK_BYTES);
      for await (const chunk of read({ ...piece, from: low, to: high })) {
        for (let at = chunk.length - 1; at >= 0; at -= 1) {
          const isBreak = chunk[at] === NEWLINE;
          // The line break that ends the text begins no line.
          if (isBreak && !isEnd) left -= 1;
          isEnd = false;
          if (left === 0) return { at: low + at + 1, known: before(age) };
        }
      }
      high = low;
    }
  }
  return { at: 0, known: '' };
}

/** Tells a rotated file from others, whatever its name is by now. An inode alone may be one that was used before. */
const identityOf = ({ ino, mtimeMs }: Stats): string => `${ino} ${mtimeMs}`;

/** Part of a rotated file. */
interface RotatedPiece extends Piece {
  readonly identity: string;
}

/** Reads what was rotated, under whatever name it has by now; nothing if it is gone. */
async function* readRotated(log: string, { identity, from, to }: RotatedPiece): AsyncGenerator<Buffer> {
  if (from >= to) return;
  for (let age = 1; ; age += 1) {
    const handle = await open(`${log}.${age}`, 'r').catch(() => undefined);
    if (handle === undefined) return;
    if (identityOf(await handle.stat()) === identity) {
      yield* readOpened(handle, from, to);
      return;
    }
    await handle.close();
  }
}

/** Files that were rotated since the one that is known, oldest first. */
function rotatedSince(file: string, known: string): readonly RotatedPiece[] {
  const found: RotatedPiece[] = [];
  for (let age = 1; ; age += 1) {
    const stats = statOf(`${file}.${age}`);
    if (stats === undefined || identityOf(stats) === known) return found.toReversed();
    found.push({ file: `${file}.${age}`, from: 0, to: stats.size, identity: identityOf(stats) });
  }
}

/** What is left to read of files that were rotated since the last look; undefined while a rotation is under way. */
function takeRotated(place: Place): readonly RotatedPiece[] | undefined {
  const rotated = rotatedSince(place.file, place.known);
  const size = statOf(place.file)?.size ?? 0;
  // Until it is cut a file is at least as long as what was copied of it.
  const isUnderWay = size > 0 && size >= (rotated.at(-1)?.to ?? Number.POSITIVE_INFINITY);
  if (isUnderWay && place.waited < MAX_WAITED) {
    place.waited += 1;
    return undefined;
  }
  const pieces = rotated.map((piece) => {
    const from = Math.min(place.at, piece.to);
    place.at -= from;
    return { ...piece, from };
  });
  place.known = rotated.at(-1)?.identity ?? place.known;
  // Without rotated files the front is gone, read or not.
  if (size < place.at) place.at = 0;
  place.waited = 0;
  place.size = size;
  return pieces;
}

/** What came since the last look, the end of a file that was rotated meanwhile first. Only what was read counts as read. */
async function* readNew(place: Place): AsyncGenerator<Buffer> {
  const rotated = takeRotated(place);
  if (rotated === undefined) return;
  for (const piece of rotated) yield* readRotated(place.file, piece);
  for await (const chunk of read({ file: place.file, from: place.at, to: place.size })) {
    // Rotated since it was looked at: this may be of what came after the cut. What was meant is in the rotated file by the next look.
    if (rotatedSince(place.file, place.known).length > 0) return;
    place.at += chunk.length;
    yield chunk;
  }
}

/**
 * Reads the output of an instance: the last lines of each stream or all there is; then, with `follow`, what comes, until the signal aborts. The
 * order between lines of two streams is not known.
 * @param folder see `outputFolder`
 */
export async function* readOutput(
  folder: string,
  { stream, tail, follow, signal }: LogOptions,
  clock: Pick<Clock, 'sleep'>,
): AsyncGenerator<Uint8Array> {
  const streams = stream === 'both' ? ['stdout', 'stderr'] : [stream];
  const places: Place[] = [];
  for (const file of streams.map((name) => path.join(folder, `${name}.log`))) {
    const place = tail === undefined ? { at: 0, known: '' } : await placeOfTail(file, tail);
    // What was rotated before the first look is not waited for.
    places.push({ file, ...place, size: 0, waited: MAX_WAITED });
  }
  for (const place of places) yield* readNew(place);
  if (!follow) return;
  while (!signal.aborted) {
    await clock.sleep(FOLLOW_MS, signal);
    for (const place of places) yield* readNew(place);
  }
}
