import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseProcess } from '../../../src/sampling/parse/process.ts';

const tail = 'S 7 9 8 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 1 0 12345 999 77 18446744073709551615';

describe('a line of /proc/PID/stat', () => {
  it('gives the times with and without those of ended children', () => {
    expect(parseProcess(`42 (node) ${tail}`)).toEqual({
      pid: 42,
      parentPid: 7,
      session: 8,
      startTicks: 12_345,
      ownTicks: 30,
      waitedTicks: 70,
      residentPages: 77,
    });
  });

  it('may have anything in the name of its program', () => {
    expect(parseProcess(`42 (a) S 1 (b) ${tail}`)).toMatchObject({ pid: 42, session: 8 });
  });

  it('of this very process is understood', () => {
    expect(parseProcess(readFileSync('/proc/self/stat', 'latin1'))).toMatchObject({ pid: process.pid });
  });

  it('is understood whole or not at all', () => {
    const line = `42 (node) ${tail}`;
    fc.assert(
      fc.property(fc.nat({ max: line.length }), fc.string({ maxLength: 5 }), (at, noise) => {
        const found = parseProcess(line.slice(0, at) + noise);
        const values = found === undefined ? [] : Object.values(found);
        expect(values.every((value) => Number.isSafeInteger(value) && value >= 0)).toBe(true);
      }),
    );
    expect(parseProcess('')).toBeUndefined();
    expect(parseProcess(line.slice(0, 40))).toBeUndefined();
  });
});
