/**
 * Owns the streams of one run: what is a terminal, how wide it is, and reading a text to its end. Everything below src/cli speaks
 * to these streams and never to the process, so that tests run on fake terminals and pipes.
 */
import { SluiceError } from '../errors.ts';

/** A stream that may be a terminal. */
export interface InputStream extends NodeJS.ReadableStream {
  readonly isTTY?: boolean | undefined;
}

/** A stream that may be a terminal; `columns` is known on terminals only. */
export interface OutputStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** The variables of the environment, as the process got them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The streams and the environment of one run. */
export interface Io {
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Environment;
}

/** Largest text that is read, in bytes: 1 MiB, the cap of a spec. */
const MAX_TEXT_BYTES = 1024 * 1024;

/** True if the stream is a terminal. */
export function isTerminal(stream: InputStream | OutputStream): boolean {
  return stream.isTTY === true;
}

/** Columns of a terminal, or undefined where there is no terminal and so no reason to cut. */
export function widthOf(stream: OutputStream): number | undefined {
  if (!isTerminal(stream)) return undefined;
  return stream.columns === undefined || stream.columns < 20 ? 80 : stream.columns;
}

/**
 * All of a stream as text: stdin, a file, a pipe of the shell.
 * @param source name for messages
 * @throws SluiceError `invalid-spec` if it is longer than 1 MiB or not UTF-8; what the stream itself fails with
 */
export async function readText(stream: AsyncIterable<string | Buffer>, source: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    const buffer = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    bytes += buffer.length;
    if (bytes > MAX_TEXT_BYTES) {
      throw new SluiceError('invalid-spec', `${source} is longer than 1 MiB`, {
        why: 'specs are capped before they are parsed',
        fix: 'split it into several files',
      });
    }
    chunks.push(buffer);
  }
  return decodeUtf8(Buffer.concat(chunks), source);
}

/**
 * Text of UTF-8 bytes.
 * @throws SluiceError `invalid-spec` if they are not UTF-8
 */
function decodeUtf8(bytes: Uint8Array, source: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new SluiceError('invalid-spec', `${source} is not UTF-8 text`, {
      why: 'specs are UTF-8',
      fix: 'convert it: iconv -t UTF-8',
      cause: error,
    });
  }
}
