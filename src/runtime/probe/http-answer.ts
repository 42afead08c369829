/**
 * Owns reading one answer of an http probe as it comes in: its status, and where its body ends. Far less than HTTP/1.1 has, and far cheaper
 * than node:http (a tenth of the time a question): bodies are passed over, not kept. Pure but for what it remembers of one answer.
 *
 * Framing as of RFC 9112 6.3: no body with 1xx (passed over), 204 and 304; chunked; Content-Length; else up to the end of the connection.
 */
import { type ProbeAnswer, unwell } from './answer.ts';

/** How much of a body is read; one that is longer is well. */
const MAX_BODY_BYTES = 64 * 1024;
const MAX_HEAD_BYTES = 16 * 1024;
/** Longest line between two chunks that is looked at: a size, its extensions, a trailer. */
const MAX_LINE_BYTES = 1_024;

/** Reads one answer. */
export interface HttpAnswer {
  /** More of it, one byte a character. @returns what it comes to, once that is known */
  readonly take: (text: string) => ProbeAnswer | undefined;
  /** The connection has ended. */
  readonly end: () => ProbeAnswer;
}

/** Follows a body. @returns true once it is whole; undefined: it breaks its framing */
type Body = (text: string) => boolean | undefined;

function lengthBody(bytes: number): Body {
  let left = bytes;
  return (text) => {
    left -= text.length;
    return left <= 0;
  };
}

/** Chunks: a line with the size in hex, so many bytes and a line break; after the one of size 0 lines up to an empty one. */
function chunkedBody(): Body {
  let left = 0;
  let line = '';
  let isLast = false;
  const endLine = (): boolean | undefined => {
    const said = line.trim();
    line = '';
    if (isLast) return said === '';
    const size = /^([0-9a-f]{1,8})(?:\s*;.*)?$/i.exec(said)?.[1];
    if (size === undefined) return undefined;
    left = Number.parseInt(size, 16);
    isLast = left === 0;
    // The line break after the bytes.
    if (!isLast) left += 2;
    return false;
  };
  return (text) => {
    for (let at = 0; at < text.length;) {
      const skipped = Math.min(left, text.length - at);
      left -= skipped;
      at += skipped;
      if (at >= text.length) break;
      const end = text.indexOf('\n', at);
      line += text.slice(at, end < 0 ? undefined : end);
      if (line.length > MAX_LINE_BYTES) return undefined;
      if (end < 0) break;
      at = end + 1;
      const done = endLine();
      if (done !== false) return done;
    }
    return false;
  };
}

/** Status and body of a whole head (without the empty line at its end); undefined: it is none. */
function readHead(head: string): { readonly status: number; readonly body: Body | undefined } | undefined {
  const status = Number(/^HTTP\/1\.\d (\d{3})(?: |\r|$)/.exec(head)?.[1]);
  if (!(status >= 100)) return undefined;
  if (status === 204 || status === 304) return { status, body: lengthBody(0) };
  if (/\r\ntransfer-encoding:[^\r\n]*chunked/i.test(head)) return { status, body: chunkedBody() };
  const length = /\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*(?:\r|$)/i.exec(head)?.[1];
  return { status, body: length === undefined ? undefined : lengthBody(Number(length)) };
}

/**
 * Begins to read an answer.
 * @param well status codes that are well, both ends included
 */
export function createHttpAnswer(well: { readonly from: number; readonly to: number }): HttpAnswer {
  let head = '';
  let known: ReturnType<typeof readHead>;
  let bytes = 0;

  const takeBody = (text: string): ProbeAnswer | undefined => {
    bytes += text.length;
    const done = known?.body?.(text) ?? (known?.body === undefined ? false : undefined);
    if (done === undefined) return unwell('its answer is no HTTP: a chunk without a size');
    return done || bytes > MAX_BODY_BYTES ? { well: true } : undefined;
  };

  const take = (text: string): ProbeAnswer | undefined => {
    if (known !== undefined) return takeBody(text);
    const from = Math.max(0, head.length - 3);
    head += text;
    const end = head.indexOf('\r\n\r\n', from);
    if (end < 0)
      return head.length > MAX_HEAD_BYTES ? unwell('its answer begins with no HTTP head') : undefined;
    const rest = head.slice(end + 4);
    const found = readHead(head.slice(0, end));
    if (found === undefined) return unwell('its answer is no HTTP');
    head = '';
    if (found.status < 200) return rest === '' ? undefined : take(rest);
    if (found.status < well.from || found.status > well.to) return unwell(`status ${found.status}`);
    known = found;
    return takeBody(rest);
  };

  return {
    take,
    end: () => {
      if (known !== undefined && known.body === undefined) return { well: true };
      return unwell(
        known === undefined && head === '' ? 'closed without an answer' : 'closed within its answer',
      );
    },
  };
}
