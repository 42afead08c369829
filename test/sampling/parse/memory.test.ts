import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fieldOf, groupCpuSeconds, groupMemory, parseMemory } from '../../../src/sampling/parse/memory.ts';

const MEMINFO = `MemTotal:        1000 kB
MemFree:          100 kB
MemAvailable:     250 kB
`;

describe('memory of a node', () => {
  it('is used unless it is available', () => {
    expect(parseMemory(MEMINFO)).toEqual({ totalBytes: 1_024_000, usedBytes: 768_000 });
  });

  it.each([
    '',
    'MemTotal: 1000 kB\n',
    'MemTotal: 1 kB\nMemAvailable: 2 kB\n',
    'MemTotal: x\nMemAvailable: 1\n',
  ])('of %j is not known', (text) => {
    expect(parseMemory(text)).toBeUndefined();
  });
});

describe('memory of a control group', () => {
  it('leaves out file pages that would go first, in both versions', () => {
    expect(
      groupMemory('cache 60\nrss 5\ntotal_cache 50\ntotal_rss 100\ntotal_inactive_file 30\n', undefined),
    ).toBe(120);
    expect(groupMemory('anon 100\nfile 50\ninactive_file 30\n', '150\n')).toBe(120);
    expect(groupMemory('inactive_file 300\n', '150\n')).toBe(0);
  });

  it.each([
    ['', undefined],
    ['total_rss 1\ntotal_cache 2\n', undefined],
    ['anon 1\n', '150\n'],
    ['inactive_file 1\n', 'max\n'],
  ])('of %j is not known', (stat, current) => {
    expect(groupMemory(stat, current)).toBeUndefined();
  });
});

describe('processor time of a control group', () => {
  it('is in nanoseconds in version 1 and in microseconds in version 2', () => {
    expect(groupCpuSeconds('2500000000\n', 1)).toBe(2.5);
    expect(groupCpuSeconds('usage_usec 2500000\nuser_usec 1\n', 2)).toBe(2.5);
  });

  it.each([
    ['', 1],
    ['-5\n', 1],
    ['usage_usec\n', 2],
    ['user_usec 5\n', 2],
  ] as const)('of %j is not known', (text, version) => {
    expect(groupCpuSeconds(text, version)).toBeUndefined();
  });
});

describe('a field', () => {
  it('is found at the beginning of a line only, by its whole name', () => {
    expect(fieldOf('total_rss 1\nrss 2\n', 'rss')).toBe(2);
    expect(fieldOf('rss_huge 7\nrss 3\n', 'rss')).toBe(3);
    expect(fieldOf('xrss 1\n', 'rss')).toBeUndefined();
  });

  it('is a count or nothing, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('rss', ' ', '\n', ':', '9', '99999999999999999', 'kB')),
        (parts) => {
          const value = fieldOf(parts.join(''), 'rss') ?? 0;
          expect(Number.isSafeInteger(value) && value >= 0).toBe(true);
        },
      ),
    );
  });
});
