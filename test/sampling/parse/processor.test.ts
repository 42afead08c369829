import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  busyShare,
  parseLoad,
  parsePressure,
  parseProcessorTimes,
} from '../../../src/sampling/parse/processor.ts';

const STAT = `cpu  100 10 40 800 50 5 5 20 7 0
cpu0 50 5 20 400 25 2 2 10 3 0
cpu1 50 5 20 400 25 3 3 10 4 0
intr 12345 0 9
ctxt 999
`;

describe('times of processors', () => {
  it('count steal as busy, and waiting for disks as idle', () => {
    expect(parseProcessorTimes(STAT)).toEqual({ busyTicks: 180, idleTicks: 850, cores: 2 });
  });

  it('of kernels without steal, and of texts that are cut off, are understood', () => {
    expect(parseProcessorTimes('cpu  1 2 3 4\ncpu0 1 2 3 4')).toEqual({
      busyTicks: 6,
      idleTicks: 4,
      cores: 1,
    });
  });

  it.each([
    '',
    'cpu  1 2 3',
    'cpu  1 2 x 4 5\ncpu0 1',
    'cpu0 1 2 3 4',
    'cpu  -1 2 3 4\ncpu0 1',
    'cpu  1 2 3 4',
  ])('of %j are not known', (text) => {
    expect(parseProcessorTimes(text)).toBeUndefined();
  });

  it('never are anything but counts, whatever the text', () => {
    const lines = fc.constantFrom(
      'cpu  ',
      'cpu0 ',
      '\n',
      '1',
      ' 99999999999999999999',
      '-',
      'intr 1',
      'NaN',
      ' ',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(lines).map((parts) => parts.join('')),
        ),
        (text) => {
          const found = parseProcessorTimes(text);
          const values = found === undefined ? [] : Object.values(found);
          expect(values.every((value) => Number.isSafeInteger(value) && value >= 0)).toBe(true);
        },
      ),
    );
  });
});

const times = (busyTicks: number, idleTicks: number, cores = 2) => ({ busyTicks, idleTicks, cores });

describe('the busy share between two readings', () => {
  it('is what was busy of what passed', () => {
    expect(busyShare(times(100, 100), times(130, 170))).toBe(0.3);
  });

  it.each([
    ['nothing passed', times(100, 100)],
    ['a counter went back', times(90, 200)],
    ['waiting for disks went back', times(150, 90)],
    ['a processor came', times(150, 150, 3)],
  ])('is not known if %s', (_why, after) => {
    expect(busyShare(times(100, 100), after)).toBeUndefined();
  });

  it('is from 0 to 1, whatever was read', () => {
    const any = fc.record({
      busyTicks: fc.nat(),
      idleTicks: fc.nat(),
      cores: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(any, any, (before, after) => {
        const share = busyShare(before, after) ?? 0;
        expect(share >= 0 && share <= 1).toBe(true);
      }),
    );
  });
});

describe('pressure and load', () => {
  it('are read from their files', () => {
    expect(parsePressure('some avg10=12.50 avg60=1.00 avg300=0.50 total=1\nfull avg10=0.00')).toBe(0.125);
    expect(parseLoad('1.25 0.90 0.80 2/300 4242\n')).toBe(1.25);
  });

  it.each([
    '',
    'some avg10=',
    'full avg10=1.00 ',
    'some avg10=101.00 avg60=',
    'some avg10=-1.00 ',
    'nan nan',
  ])('are not known from %j', (text) => {
    expect([parsePressure(text), parseLoad(text)]).toEqual([undefined, undefined]);
  });
});
