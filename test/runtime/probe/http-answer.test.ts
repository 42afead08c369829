import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProbeAnswer } from '../../../src/runtime/probe/answer.ts';
import { createHttpAnswer } from '../../../src/runtime/probe/http-answer.ts';

const OK = { from: 200, to: 399 };
const WELL = { well: true };

/** What an answer that arrives in these parts comes to; undefined: it is waited for. */
function read(parts: readonly string[], isEnded = false): ProbeAnswer | undefined {
  const answer = createHttpAnswer(OK);
  for (const part of parts) {
    const found = answer.take(part);
    if (found !== undefined) return found;
  }
  return isEnded ? answer.end() : undefined;
}

const CHUNKED =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=1\r\nabcd\r\nA\r\n0123456789\r\n0\r\nT: v\r\n\r\n';
const WHOLE: readonly (readonly [string, string])[] = [
  ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n'],
  ['chunks', CHUNKED],
  ['no body', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ['a redirect without a reason', 'HTTP/1.0 301\r\ncontent-length:0\r\n\r\n'],
  [
    'words before the answer',
    'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx',
  ],
];

describe('an answer over HTTP', () => {
  it.each(WHOLE)('is well with its last byte and not before: %s', (_, text) => {
    expect(read([text])).toEqual(WELL);
    expect(read([text.slice(0, -1)])).toBeUndefined();
    expect(read([text.slice(0, -1)], true)).toEqual({ well: false, why: 'closed within its answer' });
  });

  it('comes to the same in whatever parts it arrives', () => {
    fc.assert(
      fc.property(fc.constantFrom(...WHOLE), fc.array(fc.nat(200), { maxLength: 10 }), ([, text], cuts) => {
        const places = [0, ...cuts.map((cut) => cut % text.length).toSorted((a, b) => a - b), text.length];
        const parts = places.slice(1).map((to, index) => text.slice(places[index], to));
        expect(read(parts)).toEqual(WELL);
      }),
      { seed: 4 },
    );
  });

  it('without a length ends with the connection, or where it is long enough', () => {
    const head = 'HTTP/1.1 200 OK\r\n\r\n';
    expect(read([head, 'a part'])).toBeUndefined();
    expect(read([head, 'a part'], true)).toEqual(WELL);
    expect(read([head, ...Array.from({ length: 70 }, () => 'x'.repeat(1_000))])).toEqual(WELL);
  });

  it('is judged by its status at once', () => {
    expect(read(['HTTP/1.1 503 Down\r\nContent-Length: 9\r\n\r\n'])).toEqual({
      well: false,
      why: 'status 503',
    });
    expect(read(['HTTP/1.1 199 x\r\n\r\n'])).toBeUndefined();
  });

  it('that is none is not well', () => {
    const why = 'its answer is no HTTP';
    expect(read(['nonsense\r\n\r\n'])).toEqual({ well: false, why });
    expect(read(['HTTP/2 200\r\n\r\n'])).toEqual({ well: false, why });
    expect(read(['HTTP/1.1 2000 x\r\n\r\n'])).toEqual({ well: false, why });
    expect(read(['x'.repeat(20_000)])).toMatchObject({ why: 'its answer begins with no HTTP head' });
    expect(read([CHUNKED.replace('4;x=1', 'four')])).toMatchObject({ well: false });
    expect(read([CHUNKED.replace('4;x=1', '4'.repeat(2_000))])).toMatchObject({ well: false });
    expect(read([], true)).toEqual({ well: false, why: 'closed without an answer' });
  });
});
