/** Owns reading an instance's output: the last lines, then on as it grows, through rotations. */
import type { Clock } from '../../host/clock.ts';
import type { LogOptions } from '../driver.ts';
import type { LogFile } from './log-file.ts';

const CHUNK_BYTES = 64 * 1024;
/** How often a followed file is looked at. */
const FOLLOW_MS = 100;
const NEWLINE = 10;

/** Place where the last so many lines begin; a last line without an end counts. Call it `alone`. */
async function placeOfTail(log: LogFile, lines: number): Promise<number> {
  const { start, end } = log.bounds();
  if (lines <= 0) return end;
  let found = 0;
  for (let high = end; high > start;) {
    const low = Math.max(start, high - CHUNK_BYTES);
    const chunk = await readWhole(log, low, high);
    for (let at = chunk.length - 1; at >= 0; at -= 1) {
      // The line break that ends the text begins no line.
      if (chunk[at] !== NEWLINE || low + at === end - 1) continue;
      found += 1;
      if (found === lines) return low + at + 1;
    }
    high = low;
  }
  return start;
}

/** Bytes from one place to another, over as many files as it takes. */
async function readWhole(log: LogFile, from: number, to: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let at = from; at < to;) {
    const chunk = await log.read(at, to - at);
    if (chunk.length === 0) break;
    chunks.push(chunk);
    at += chunk.length;
  }
  return Buffer.concat(chunks);
}

/** Where a reader of one file stands. */
interface Reader {
  readonly log: LogFile;
  at: number;
}

async function openReader(log: LogFile, tail: number | undefined): Promise<Reader> {
  const at = await log.alone(async () =>
    tail === undefined ? log.bounds().start : await placeOfTail(log, tail),
  );
  return { log, at };
}

/** What comes next, empty at the end. What was rotated out of existence is skipped. */
async function next(reader: Reader): Promise<Uint8Array> {
  return await reader.log.alone(async () => {
    reader.at = Math.max(reader.at, reader.log.bounds().start);
    const chunk = await reader.log.read(reader.at, CHUNK_BYTES);
    reader.at += chunk.length;
    return chunk;
  });
}

/**
 * Reads files: of each, the last lines or all there is; then, with `follow`, what comes, until the signal aborts. The order between lines of
 * two files is not known.
 * @param logs stdout, stderr or both
 */
export async function* readLogs(
  logs: readonly LogFile[],
  { tail, follow, signal }: LogOptions,
  clock: Clock,
): AsyncGenerator<Uint8Array> {
  const readers = await Promise.all(logs.map((log) => openReader(log, tail)));
  while (!signal.aborted) {
    let isIdle = true;
    for (const reader of readers) {
      for (;;) {
        const chunk = await next(reader);
        if (chunk.length === 0 || signal.aborted) break;
        isIdle = false;
        yield chunk;
      }
    }
    if (!isIdle) continue;
    if (!follow) return;
    await clock.sleep(FOLLOW_MS, signal);
  }
}
