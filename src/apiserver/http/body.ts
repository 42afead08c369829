/** Owns reading a request's body: bounded, JSON, UTF-8. Must not know what it means. */
import type { IncomingMessage } from 'node:http';
import type { SluiceError } from '../../errors.ts';
import { isNestedWithin } from '../../model/canonical-json.ts';
import { MAX_DEPTH } from '../../model/limits.ts';
import { wrongField } from '../../store/api/wire.ts';
import { httpError } from './refusal.ts';

/**
 * The body as parsed JSON.
 * @throws SluiceError `invalid-spec`: as `readBodyText`, 400 not JSON
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  return parse(await readBodyText(request, maxBytes));
}

/**
 * The body as text that is said to be JSON.
 * @throws SluiceError `invalid-spec`: 413 too long, 415 not said to be JSON, 400 not UTF-8
 */
export async function readBodyText(request: IncomingMessage, maxBytes: number): Promise<string> {
  // A browser sends this type to another site only if that allows it: no page can post in a visitor's name.
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw httpError(415, 'the body is not said to be JSON', 'Content-Type must be application/json');
  }
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > maxBytes) throw tooLong(maxBytes);
  const bytes = await readBytes(request, maxBytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw wrongField('body', `${bytes.length} bytes`, 'must be UTF-8');
  }
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

function parse(text: string): unknown {
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
