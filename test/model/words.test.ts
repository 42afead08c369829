/** Tests the small words of the model: durations, references, instance arguments, shares, suggestions, text, times, addresses. */
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { SluiceError } from '../../src/errors.ts';
import { canonicalIp, compareAddresses, parseAddress } from '../../src/model/address.ts';
import { formatAge, formatDuration, parseDuration } from '../../src/model/duration.ts';
import { formatInstanceArgument, parseInstanceArgument } from '../../src/model/instance-argument.ts';
import { formatReference, parseReference, type Reference } from '../../src/model/reference.ts';
import { reservedBecause } from '../../src/model/reserved.ts';
import { formatShare, formatShares, sharesOf } from '../../src/model/share.ts';
import { editDistance, suggest } from '../../src/model/suggest.ts';
import { isPlainText, plainText, quoteValue } from '../../src/model/text.ts';
import { timeMs } from '../../src/model/time.ts';

// A loaded machine is no failure.
vi.setConfig({ testTimeout: 60_000 });

const SEED = { seed: 7, numRuns: 300 };

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof SluiceError) return error.code;
    throw error;
  }
  return 'ok';
}

describe('durations', () => {
  it.each([
    ['30s', 30_000],
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['1d2h3m4s5ms', 93_784_005],
    ['500ms', 500],
    ['1m500ms', 60_500],
    ['0', 0],
    ['0s', 0],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    '',
    '30',
    's',
    '-1s',
    '+1s',
    '1.5h',
    '1s1m',
    '1s1s',
    ' 1s',
    '1 s',
    '1S',
    '٣s',
    '1e3s',
    '366d',
    '9999999999s',
    'Infinity',
  ])('refuses %j', (text) => {
    expect(codeOf(() => parseDuration(text, '--timeout'))).toBe('invalid-spec');
  });

  it('says that a bare number has no unit', () => {
    expect(() => parseDuration('30', '--timeout')).toThrow(
      expect.objectContaining({
        why: 'the unit is missing',
        fix: 'write 30s for seconds or 30m for minutes',
      }),
    );
  });

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 365 * 86_400_000 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
      SEED,
    );
  });

  it('shows ages in one unit', () => {
    expect([-5, 999, 1_000, 59_999, 60_000, 3_600_000, 90_000_000].map(formatAge)).toEqual([
      '0s',
      '0s',
      '1s',
      '59s',
      '1m',
      '1h',
      '1d',
    ]);
  });
});

describe('references', () => {
  const table: readonly { text: string; reference: Reference; formatted?: string }[] = [
    { text: 'web', reference: { kind: 'service', service: 'web' }, formatted: 'service/web' },
    { text: 'service/web', reference: { kind: 'service', service: 'web' } },
    { text: 'web/10.0.1.11:8080', reference: { kind: 'instance', service: 'web', id: '10.0.1.11:8080' } },
    {
      text: 'web/[FD00::0:1]:80',
      reference: { kind: 'instance', service: 'web', id: '[fd00::1]:80' },
      formatted: 'web/[fd00::1]:80',
    },
    { text: 'web/web-1', reference: { kind: 'instance', service: 'web', id: 'web-1' } },
    { text: 'node/n3', reference: { kind: 'node', node: 'n3' } },
    { text: 'node', reference: { kind: 'service', service: 'node' }, formatted: 'service/node' },
    { text: 'service/node/10.0.0.1:80', reference: { kind: 'instance', service: 'node', id: '10.0.0.1:80' } },
    {
      text: 'service/web/a1',
      reference: { kind: 'instance', service: 'web', id: 'a1' },
      formatted: 'web/a1',
    },
  ];
  it.each(table)('reads $text', ({ text, reference, formatted = text }) => {
    expect(parseReference(text)).toEqual(reference);
    expect(formatReference(reference)).toBe(formatted);
    expect(parseReference(formatted)).toEqual(reference);
  });

  it.each([
    '',
    '/',
    'web/',
    '/web',
    'Web',
    'web/../x',
    'web/..',
    'a/b/c',
    'node/',
    'node/N',
    'web/a b',
    'web/\n',
    '-web',
    'web/[::1]',
    'web/[::1]:0',
    'service/web/a/b',
    'web/$(x)',
  ])('refuses %j', (text) => {
    expect(codeOf(() => parseReference(text))).toBe('invalid-spec');
  });
});

describe('instance arguments', () => {
  it('reads addresses with and without weight, and writes them canonically', () => {
    expect(parseInstanceArgument('10.0.1.11:8080')).toEqual({ ip: '10.0.1.11', port: 8080, weight: 1 });
    expect(parseInstanceArgument('[FD00::0:1]:80=0')).toEqual({ ip: 'fd00::1', port: 80, weight: 0 });
    expect(formatInstanceArgument(parseInstanceArgument('10.0.1.11:8080=1'))).toBe('10.0.1.11:8080');
    expect(formatInstanceArgument(parseInstanceArgument('10.0.1.11:8080=3'))).toBe('10.0.1.11:8080=3');
  });

  it.each([
    '',
    '=',
    '10.0.1.11',
    '10.0.1.11:8080=',
    '10.0.1.11:8080=-1',
    '10.0.1.11:8080=03',
    '10.0.1.11:8080=65536',
    '10.0.1.11:8080=1=2',
    'web:80',
    '10.0.1.11:8080 ',
    '10.0.1.11:8080\n',
    '10.0.1.11:８0',
    'fd00::1:80',
    '[10.0.0.1]:80',
  ])('refuses %j', (text) => {
    expect(codeOf(() => parseInstanceArgument(text))).toBe('invalid-spec');
  });
});

const at = (ip: string, weight: number, state?: 'draining') => ({ ip, port: 80, weight, state });

describe('shares', () => {
  it('are weights over the sum of the ready instances of the family', () => {
    expect(
      sharesOf([at('10.0.0.1', 1), at('10.0.0.2', 3), at('fd00::1', 5), at('10.0.0.3', 9, 'draining')]),
    ).toEqual([0.25, 0.75, 1, 0]);
    expect(sharesOf([at('10.0.0.1', 0)])).toEqual([0]);
    expect(formatShares([at('10.0.1.11', 1), at('10.0.1.12', 3)])).toBe('10.0.1.11:80 25%, 10.0.1.12:80 75%');
  });

  it('never show 0% for something nor 100% for less than all', () => {
    expect([0, 1, 1 / 3, 0.25, 0.0001, 0.9999].map(formatShare)).toEqual([
      '0%',
      '100%',
      '33.3%',
      '25%',
      '<0.1%',
      '>99.9%',
    ]);
  });

  it('add up to 1', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 65_535 }), { minLength: 1, maxLength: 50 }),
        (weights) => {
          const sum = sharesOf(weights.map((weight) => at('10.0.0.1', weight))).reduce((a, b) => a + b, 0);
          expect(sum).toBeCloseTo(weights.some((weight) => weight > 0) ? 1 : 0, 9);
        },
      ),
      SEED,
    );
  });
});

describe('suggestions', () => {
  it('name the nearest known word', () => {
    expect(suggest('pubish', ['publish', 'unpublish', 'plan'])).toBe('publish');
    expect(suggest('pulbish', ['publish'])).toBe('publish');
    expect(suggest('WEB', ['db', 'web'])).toBe('web');
    expect(suggest('zzz', ['web'])).toBeUndefined();
    expect(suggest('x', ['y'])).toBeUndefined();
    expect(suggest('', ['ab'])).toBeUndefined();
    expect(suggest('x'.repeat(1_000_000), ['web'])).toBeUndefined();
  });

  it('measure a distance: 0 for equals, symmetric, at most the longer length', () => {
    const word = fc.string({ maxLength: 8 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b) === 0).toBe(a === b);
        expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
      SEED,
    );
  });
});

describe('text and times', () => {
  it('makes any text plain, short and quotable', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 50 }), (text, max) => {
        const plain = plainText(text, max);
        expect(isPlainText(plain)).toBe(true);
        expect(plain.length).toBeLessThanOrEqual(max);
        expect(isPlainText(quoteValue(text))).toBe(true);
      }),
      SEED,
    );
  });

  it('takes only RFC 3339 in UTC', () => {
    expect(timeMs('1970-01-01T00:00:01Z')).toBe(1_000);
    expect(timeMs('2026-01-31T09:30:00.123Z')).toBe(Date.UTC(2026, 0, 31, 9, 30, 0, 123));
    for (const text of [
      '',
      '2026',
      '2026-02-30T00:00:00Z',
      '2026-01-01T24:00:00Z',
      '2026-01-01T00:00:00',
      '2026-01-01T00:00:60Z',
      '2026-01-01 00:00:00Z',
      '2026-01-01T00:00:00+00:00',
      '2026-01-01T00:00:00Z\n',
    ]) {
      expect([text, timeMs(text)]).toEqual([text, undefined]);
    }
  });
});

describe('addresses', () => {
  it('in canonical IPv6 text read back to themselves, in any spelling', () => {
    const groups = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), {
      minLength: 8,
      maxLength: 8,
    });
    fc.assert(
      fc.property(groups, (parts) => {
        const long = parts.map((part) => part.toString(16).padStart(4, '0').toUpperCase()).join(':');
        const short = canonicalIp(long) ?? '';
        expect(short.length).toBeLessThanOrEqual(39);
        expect(canonicalIp(short)).toBe(short);
        expect(new URL(`http://[${long}]/`).hostname).toBe(`[${short}]`);
      }),
      SEED,
    );
  });

  it.each([
    '0.0.0.0',
    '0.1.2.3',
    '127.0.0.1',
    '127.255.255.255',
    '169.254.169.254',
    '224.0.0.1',
    '239.1.1.1',
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    'febf::1',
    'ff02::1',
    '::ffff:a00:1',
  ])('that cannot be dialled are reserved: %s', (ip) => {
    expect(reservedBecause(ip)).toMatch(/./);
  });

  it.each([
    '1.0.0.0',
    '10.0.0.1',
    '126.255.255.255',
    '128.0.0.1',
    '169.253.0.1',
    '223.255.255.255',
    '::2',
    'fd00::1',
    '2001:db8::1',
    'fec0::1',
  ])('that can be dialled are not: %s', (ip) => {
    expect(reservedBecause(ip)).toBeUndefined();
  });

  it('sort by family, bytes and port', () => {
    const texts = ['10.0.0.2:1', '9.0.0.1:80', '[fd00::1]:1', '10.0.0.10:1', '10.0.0.2:443'];
    expect(
      texts
        .map((text) => parseAddress(text))
        .toSorted(compareAddresses)
        .map(({ ip, port }) => `${ip} ${port}`),
    ).toEqual(['9.0.0.1 80', '10.0.0.2 1', '10.0.0.2 443', '10.0.0.10 1', 'fd00::1 1']);
  });
});
