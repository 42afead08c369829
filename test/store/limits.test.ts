import { describe, expect, it } from 'vitest';
import { checkLimits, MAX_TRANSACTION_BYTES, nestedSize } from '../../src/store/limits.ts';

describe('the limits of a transaction', () => {
  it.each([
    [0, 0, 0],
    [128, 128, 0],
    [1, 129, 126],
    [64, 4_096, 64],
    [1, 4_096, 64],
    [127, 127, 0],
    [127, 20, 0],
    [126, 200, 2],
  ])('puts %i compares and %i operations into nested transactions of %i', (compares, operations, each) => {
    expect(nestedSize(compares, operations)).toBe(each);
  });

  it('never nests deeper or wider than etcd counts', () => {
    for (let compares = 0; compares <= 128; compares += 1) {
      for (let operations = 1; operations <= 4_096; operations += 61) {
        const each = sizeOrTooLarge(compares, operations);
        if (each === undefined || each === 0) continue;
        const groups = Math.ceil(operations / each);
        expect(Math.max(compares, groups) + each).toBeLessThanOrEqual(128);
      }
    }
  });

  it.each([
    [0, 4_097],
    [129, 1],
    [128, 129],
    [127, 200],
  ])('refuses %i compares with %i operations', (compares, operations) => {
    expect(() => nestedSize(compares, operations)).toThrow('too large for one transaction');
  });

  it('counts bytes, not characters', () => {
    expect(() => checkLimits(putOf('x'.repeat(MAX_TRANSACTION_BYTES - 49)))).not.toThrow();
    expect(() => checkLimits(putOf('x'.repeat(MAX_TRANSACTION_BYTES - 48)))).toThrow('too large');
    expect(() => checkLimits(putOf('ü'.repeat(MAX_TRANSACTION_BYTES / 2)))).toThrow('too large');
  });
});

const putOf = (value: string) => ({ compares: [], operations: [{ kind: 'put', key: 'k', value }] as const });

function sizeOrTooLarge(compares: number, operations: number): number | undefined {
  try {
    return nestedSize(compares, operations);
  } catch {
    return undefined;
  }
}
