/**
 * Owns compressing a body of many parts part by part (RFC 1951, 1952): each part is compressed by itself, ends at a byte, and is joined with the
 * others to one stream, so that a part that did not change is not compressed again. Must not know what the parts are.
 */
import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';

const deflated = promisify(deflateRaw);

/** A part with its compressed form: blocks of a deflate stream, none of them the last, that refer to nothing before them. */
export interface GzipPart {
  readonly plain: Buffer;
  readonly deflated: Buffer;
}

/** gzip, deflate, no flags, no time, no word about how hard it tried, of unknown origin. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
/** An empty last block with the fixed codes. */
const LAST_BLOCK = Buffer.from([0x03, 0x00]);
const SIZE_MODULO = 2 ** 32;

/**
 * Compresses one part, off the main thread. Level 1: a list of 20,000 instances takes a third of the time of the default, and is 3 % of its
 * length instead of 2 %.
 */
export async function gzipPart(plain: Buffer): Promise<GzipPart> {
  const options = { level: constants.Z_BEST_SPEED, finishFlush: constants.Z_SYNC_FLUSH };
  return { plain, deflated: await deflated(plain, options) };
}

/** The parts in their order as one gzip stream. */
export function joinedGzip(parts: readonly GzipPart[]): Buffer {
  let [sum, size] = [0, 0];
  for (const { plain } of parts) {
    // Of no bytes at all zlib starts the sum anew.
    if (plain.length === 0) continue;
    sum = crc32(plain, sum);
    size += plain.length;
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(sum, 0);
  trailer.writeUInt32LE(size % SIZE_MODULO, 4);
  return Buffer.concat([HEADER, ...parts.map((part) => part.deflated), LAST_BLOCK, trailer]);
}
