/**
 * Owns one stream of an instance's output: a file that the instance appends to, and the rotated ones before it (`.1` the newest). Together
 * they are one text; places in it stay the same through rotations. One object a file: rotating and reading take turns on it.
 */
import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { errnoOf } from '../../host/error-code.ts';

/** One file of the text: from `start`, so many bytes. */
interface Segment {
  readonly file: string;
  readonly start: number;
  readonly length: number;
}

/** A stream of output. */
export interface LogFile {
  readonly file: string;
  /** Runs alone: no other `alone` of this file meanwhile. */
  readonly alone: <T>(action: () => Promise<T>) => Promise<T>;
  /** Where the text that is still there begins and where it ends now. */
  readonly bounds: () => { readonly start: number; readonly end: number };
  /** Bytes from a place on, at most `maxBytes`, all of one file; empty at the end. Call it `alone`. */
  readonly read: (from: number, maxBytes: number) => Promise<Uint8Array>;
  /** So many bytes were cut off the front of the file. Call it in the same `alone` as the cut. */
  readonly cut: (bytes: number) => void;
}

/** Path of a rotated file; 1 is the newest. */
export const rotatedName = (file: string, age: number): string => `${file}.${age}`;

function sizeOf(file: string): number | undefined {
  try {
    return statSync(file).size;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** @param base place of the first byte of the file itself */
function segmentsOf(file: string, base: number): readonly Segment[] {
  const segments: Segment[] = [{ file, start: base, length: sizeOf(file) ?? 0 }];
  let start = base;
  for (let age = 1; ; age += 1) {
    const rotated = rotatedName(file, age);
    const length = sizeOf(rotated);
    if (length === undefined) return segments.toReversed();
    start -= length;
    segments.push({ file: rotated, start, length });
  }
}

async function readAt(segment: Segment, from: number, maxBytes: number): Promise<Uint8Array> {
  const handle = await open(segment.file, 'r');
  try {
    const length = Math.min(maxBytes, segment.start + segment.length - from);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, from - segment.start);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Opens a stream's files; they need not be there yet. Places count from the first byte of the file as it is now. */
export function openLogFile(file: string): LogFile {
  let base = 0;
  let turn: Promise<unknown> = Promise.resolve();
  return {
    file,
    alone: <T>(action: () => Promise<T>): Promise<T> => {
      const mine = turn.then(action);
      turn = mine.catch(() => undefined);
      return mine;
    },
    bounds: () => {
      const segments = segmentsOf(file, base);
      const last = segments.at(-1);
      return { start: segments[0]?.start ?? base, end: (last?.start ?? base) + (last?.length ?? 0) };
    },
    read: async (from, maxBytes) => {
      const segment = segmentsOf(file, base).find(
        ({ start, length }) => from >= start && from < start + length,
      );
      return segment === undefined ? new Uint8Array() : await readAt(segment, from, maxBytes);
    },
    cut: (bytes) => {
      base += bytes;
    },
  };
}
