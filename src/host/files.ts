/**
 * Owns state files: bounded reads, atomic writes, and files that prove they are whole. A write is temp + fsync + rename + fsync of the
 * directory; `writeFile` on a handle is used because a bare write may be short on a full disk without an error (notes: a good file was
 * replaced by half of one). Writes of one path must not overlap: the caller serialises.
 */
import { createHash } from 'node:crypto';
import { link, open, rename, rm, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { SluiceError } from '../errors.ts';

/** Default cap of a read: 64 MiB (a snapshot of 10,000 services is about 10 MB). */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** Bytes of one read. */
const READ_BYTES = 256 * 1024;

/** What was read of a checksummed file. */
export interface CheckedText {
  readonly text: string;
  /** `previous`: the newest file was missing or damaged, this is the one before. */
  readonly from: 'current' | 'previous';
  /** Why the newest file was not taken; undefined if it was. */
  readonly damage: string | undefined;
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

function fileError(action: 'read' | 'write', file: string, cause: unknown): SluiceError {
  if (cause instanceof SluiceError) return cause;
  const code = codeOf(cause);
  const refused = code === 'EACCES' || code === 'EPERM';
  return new SluiceError(refused ? 'permission' : 'failed', `cannot ${action} ${JSON.stringify(file)}`, {
    why: cause instanceof Error ? cause.message : String(cause),
    fix: refused
      ? 'run as the user that owns it, or name another --state-dir'
      : 'check the disk and the path',
    details: { path: file, errno: code },
    cause,
  });
}

/**
 * Text of a file, or undefined if there is none. Reads at most `maxBytes`, whatever the file claims its size to be.
 * @throws SluiceError `failed` (too long, no regular read), `permission`
 */
export async function readBounded(file: string, maxBytes = MAX_FILE_BYTES): Promise<string | undefined> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, 'r');
    const chunks: Buffer[] = [];
    for (let length = 0; ;) {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(READ_BYTES));
      if (bytesRead === 0) break;
      length += bytesRead;
      if (length > maxBytes) throw new Error(`it is longer than ${maxBytes} bytes`);
      chunks.push(buffer.subarray(0, bytesRead));
    }
    return Buffer.concat(chunks).toString('utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw fileError('read', file, error);
  } finally {
    await handle?.close();
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Fills and syncs `<file>.tmp` (0600) and gives its path; leaves nothing behind if it fails. */
async function writeTemporary(file: string, fill: (handle: FileHandle) => Promise<void>): Promise<string> {
  const temporary = `${file}.tmp`;
  try {
    const handle = await open(temporary, 'w', 0o600);
    try {
      await fill(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    return temporary;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Replaces a file by new text: after a crash at any moment it holds the old text or the new one, whole.
 * @throws SluiceError `failed` (no space, no directory …), `permission`; the old file is then untouched
 */
export async function writeAtomic(file: string, text: string): Promise<void> {
  try {
    await rename(await writeTemporary(file, async (handle) => handle.writeFile(text, 'utf8')), file);
    await syncDirectory(path.dirname(file));
  } catch (error) {
    throw fileError('write', file, error);
  }
}

const HEADER = /^sluice 1 sha256=([0-9a-f]{64}) bytes=([0-9]{1,12})\n/;
const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

/** The text after a header that fits it, or why it does not. */
function checkText(whole: string): { readonly text: string } | { readonly damage: string } {
  const match = HEADER.exec(whole);
  if (match === null) return { damage: 'it has no header' };
  const text = whole.slice(match[0].length);
  const bytes = Buffer.byteLength(text, 'utf8');
  if (bytes !== Number(match[2])) return { damage: `it has ${bytes} bytes of ${match[2]}` };
  return sha256(text) === match[1] ? { text } : { damage: 'its checksum does not fit' };
}

/** Where the file before the current one is kept. */
const previousOf = (file: string): string => `${file}.previous`;

const headerOf = (sha: string, bytes: number): string =>
  `sluice 1 sha256=${sha} bytes=${String(bytes).padStart(12, '0')}\n`;

/** Writes pieces one by one, so that nobody has to wait for all of them to be made, and then the header that fits them in front. */
async function writePieces(handle: FileHandle, pieces: Iterable<string>): Promise<void> {
  const hash = createHash('sha256');
  let bytes = 0;
  await handle.writeFile(headerOf('0'.repeat(64), 0), 'utf8');
  for (const piece of pieces) {
    const data = Buffer.from(piece, 'utf8');
    hash.update(data);
    bytes += data.length;
    await handle.writeFile(data);
  }
  const header = Buffer.from(headerOf(hash.digest('hex'), bytes), 'utf8');
  const { bytesWritten } = await handle.write(header, 0, header.length, 0);
  if (bytesWritten < header.length) throw new Error('the header was not written whole');
}

/**
 * Writes text with its length and SHA-256 in front, atomically, and keeps the file it replaces as `<file>.previous`.
 * @param text in pieces, each asked for when the one before is written
 * @throws SluiceError `failed`, `permission`; the old file is then still there
 */
export async function writeChecksummed(file: string, text: string | Iterable<string>): Promise<void> {
  const pieces = typeof text === 'string' ? [text] : text;
  const staged = `${previousOf(file)}.tmp`;
  try {
    const temporary = await writeTemporary(file, async (handle) => writePieces(handle, pieces));
    await rm(staged, { force: true });
    // A second link, not a rename: at no moment is there no current file.
    const hasOld = await link(file, staged).then(
      () => true,
      (error: unknown) => {
        if (codeOf(error) === 'ENOENT') return false;
        throw error;
      },
    );
    if (hasOld) await rename(staged, previousOf(file));
    await rename(temporary, file);
    await syncDirectory(path.dirname(file));
  } catch (error) {
    throw fileError('write', file, error);
  }
}

/**
 * Reads what `writeChecksummed` wrote; a missing or damaged file is replaced by the previous one, and the answer says so.
 * @returns undefined if there is neither
 * @throws SluiceError `failed` if there are files but none is whole, `permission`
 */
export async function readChecksummed(
  file: string,
  maxBytes = MAX_FILE_BYTES,
): Promise<CheckedText | undefined> {
  const damages: string[] = [];
  let missing = 0;
  for (const from of ['current', 'previous'] as const) {
    const whole = await readBounded(from === 'current' ? file : previousOf(file), maxBytes);
    if (whole === undefined) {
      missing += 1;
      damages.push('it is missing');
      continue;
    }
    const checked = checkText(whole);
    if ('text' in checked) return { text: checked.text, from, damage: damages[0] };
    damages.push(checked.damage);
  }
  if (missing === 2) return undefined;
  throw new SluiceError('failed', `${JSON.stringify(file)} is damaged`, {
    why: `${damages[0]}; the previous one: ${damages[1]}`,
    fix: 'delete both files: they are written again from the store',
    details: { path: file, damages },
  });
}
