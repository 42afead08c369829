/** Owns reading a request's body: bounded, UTF-8, of a type that it is said to be. Must not know what it means. */
import type { IncomingMessage } from 'node:http';
import type { SluiceError } from '../../errors.ts';
import { isNestedWithin } from '../../model/canonical-json.ts';
import { MAX_DEPTH } from '../../model/limits.ts';
import { wrongField } from '../../store/api/wire.ts';
import { httpError } from './refusal.ts';

/** A body as text, and what it is said to be. */
export interface TypedBody {
  /** One of the types that were asked for. */
  readonly type: string;
  readonly text: string;
}

/**
 * The body as parsed JSON.
 * @throws SluiceError `invalid-spec`: 413 too long, 415 not said to be JSON, 400 not JSON or not UTF-8
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  const { text } = await readTextBody(request, ['application/json'], maxBytes);
  return parseJson(text);
}

/**
 * The body as text.
 * @param types that a browser sends to another site only if that allows it: no page can post in a visitor's name
 * @throws SluiceError `invalid-spec`: 413 too long, 415 not said to be of such a type, 400 not UTF-8
 */
export async function readTextBody(
  request: IncomingMessage,
  types: readonly string[],
  maxBytes: number,
): Promise<TypedBody> {
  const said = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const type = types.find((one) => one === said);
  if (type === undefined) {
    const allowed = types.join(' or ');
    throw httpError(415, `the body is not said to be ${allowed}`, `Content-Type must be ${allowed}`);
  }
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > maxBytes) throw tooLong(maxBytes);
  return { type, text: utf8(await readBytes(request, maxBytes)) };
}

/** Not with `for await`: leaving that destroys the connection, and with it the answer. What is too long is read on and dropped. */
function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const drop = (): void => {
      request.off('data', take);
      request.resume();
      reject(tooLong(maxBytes));
    };
    const take = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > maxBytes) drop();
      else chunks.push(chunk);
    };
    request.on('data', take);
    request.once('end', () => resolve(Buffer.concat(chunks)));
    const ended = (): void => reject(httpError(400, 'the body ended early', 'the connection was closed'));
    request.once('error', ended);
    request.once('close', ended);
  });
}

function utf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw wrongField('body', `${bytes.length} bytes`, 'must be UTF-8');
  }
}

/** Text as JSON. @throws SluiceError `invalid-spec` */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrongField('body', text, 'must be JSON');
  }
  if (!isNestedWithin(value, MAX_DEPTH)) throw wrongField('body', value, `may be nested ${MAX_DEPTH} deep`);
  return value;
}

function tooLong(maxBytes: number): SluiceError {
  return httpError(413, 'the body is too long', `at most ${maxBytes} bytes are read`);
}
