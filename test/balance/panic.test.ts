import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { usableOf } from '../../src/balance/panic.ts';

const instances = (healthy: readonly boolean[]) => healthy.map((value, id) => ({ id, healthy: value }));

describe('the panic threshold', () => {
  it('leaves the unhealthy out while half are healthy', () => {
    const { usable, isPanic } = usableOf(instances([true, false, true, false]));
    expect(usable.map(({ id }) => id)).toEqual([0, 2]);
    expect(isPanic).toBe(false);
  });

  it('keeps all when fewer than half are healthy', () => {
    expect(usableOf(instances([true, false, false])).usable).toHaveLength(3);
    expect(usableOf(instances([false])).isPanic).toBe(true);
  });

  it('never leaves less than half, nor nothing of something', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }), (healthy) => {
        const { usable } = usableOf(instances(healthy));
        expect(usable.length * 2).toBeGreaterThanOrEqual(healthy.length);
        expect(usable.length).toBeGreaterThan(0);
      }),
      { seed: 1 },
    );
  });
});
