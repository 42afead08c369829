/** Tests command lines, sizes, labels: what is read, what is refused, and that what is written reads back. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatLabels, hasLabels, parseLabels } from '../../src/model/labels.ts';
import { formatSize, parseSize } from '../../src/model/size.ts';
import { formatWords, splitWords } from '../../src/model/words.ts';

const refused = expect.objectContaining({ code: 'invalid-spec' });

describe('a command line', () => {
  it.each([
    ['node server.js --port {port}', ['node', 'server.js', '--port', '{port}']],
    ['  a\tb\n c ', ['a', 'b', 'c']],
    [`sh -c 'echo $HOME | cat > x'`, ['sh', '-c', 'echo $HOME | cat > x']],
    [`a"b c"'d e'f\\ g`, ['ab cd ef g']],
    [`'' ""`, ['', '']],
    [`"a\\"b\\\\c\\n"`, ['a"b\\c\\n']],
    [`'a\\'b`, ['a\\b']],
    ['a=~/x#y[0]!', ['a=~/x#y[0]!']],
    ['', []],
  ])('%j splits into %j', (line, words) => {
    expect(splitWords(line)).toEqual(words);
  });

  it.each([
    'a > b',
    'a | b',
    'a & b',
    'a; b',
    'a $HOME',
    'a `b`',
    'a *',
    'a "$b"',
    "a 'b",
    'a "b',
    'a \\',
    'a (b)',
  ])('%j is refused: no shell reads it', (line) => {
    expect(() => splitWords(line, '--command')).toThrow(refused);
  });

  it('splits into the words that it was made of', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 12 })), (words) => {
        expect(splitWords(formatWords(words))).toEqual(words);
      }),
      { seed: 4, numRuns: 500 },
    );
  });
});

describe('a size', () => {
  it.each([
    ['0', 0, '0'],
    ['1500', 1_500, '1500'],
    ['64kB', 64_000, '64000'],
    ['512MiB', 536_870_912, '512MiB'],
    ['1024MiB', 1_073_741_824, '1GiB'],
    ['1B', 1, '1'],
  ])('%s is %d bytes and written as %s', (text, bytes, canonical) => {
    expect(parseSize(text)).toBe(bytes);
    expect(formatSize(bytes)).toBe(canonical);
    expect(parseSize(canonical)).toBe(bytes);
  });

  it.each(['', '-1', '1.5MiB', '1M', '1 MiB', 'MiB', '99999999999TiB', '1constructor', '1mib'])(
    'is not %j',
    (text) => {
      expect(() => parseSize(text)).toThrow(refused);
    },
  );
});

describe('labels', () => {
  it('are read, written and matched', () => {
    const labels = parseLabels(['zone=a', 'disk=', 'example.com/rack=r-1'], '--node-selector');
    expect(formatLabels(labels)).toBe('disk=,example.com/rack=r-1,zone=a');
    expect(hasLabels(labels, { zone: 'a' })).toBe(true);
    expect(hasLabels(labels, { zone: 'b' })).toBe(false);
    expect(hasLabels(labels, { constructor: 'x' })).toBe(false);
    expect(hasLabels({}, {})).toBe(true);
  });

  it.each(['zone', '=a', 'a b=c', 'a=b c', '-a=b', `a=${'x'.repeat(64)}`])('are not %j', (text) => {
    expect(() => parseLabels([text], '--node-selector')).toThrow(refused);
  });
});
