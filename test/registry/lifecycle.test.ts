import { describe, expect, it } from 'vitest';
import { statusOf } from '../../src/model/registration.ts';
import {
  isOutdated,
  overridden,
  overrideCleared,
  registered,
  withMetadata,
} from '../../src/registry/lifecycle.ts';
import { registrationOf, requestOf } from './registration.ts';

describe('a registration', () => {
  it('gets its times from the registry', () => {
    expect(registered(requestOf(), undefined, 5_000)).toMatchObject({
      registeredMs: 5_000,
      upMs: 5_000,
      updatedMs: 5_000,
      dirtyMs: 5_000,
    });
    expect(registered(requestOf({ status: 'STARTING', dirtyMs: 7 }), undefined, 5_000)).toMatchObject({
      upMs: 0,
      dirtyMs: 7,
    });
  });

  it('is the same object when an instance only repeats itself, so that nothing is written', () => {
    const before = registered(requestOf(), undefined, 5_000);
    expect(registered(requestOf(), before, 9_000)).toBe(before);
    expect(registered(requestOf({ metadata: { a: '1' } }), before, 9_000)).toMatchObject({
      registeredMs: 5_000,
      updatedMs: 9_000,
      upMs: 5_000,
    });
  });

  it('keeps what changed later, and takes the newcomer of equals', () => {
    const before = registrationOf({ dirtyMs: 100, hostName: 'old' });
    expect(registered(requestOf({ dirtyMs: 99, hostName: 'new' }), before, 1)).toBe(before);
    for (const dirtyMs of [100, 101, 0]) {
      expect(registered(requestOf({ dirtyMs, hostName: 'new' }), before, 1).hostName).toBe('new');
    }
  });

  it('counts as people say while the instance says that it serves, through another registration', () => {
    const out = overridden(registrationOf(), 'OUT_OF_SERVICE', 2);
    expect(statusOf(out)).toBe('OUT_OF_SERVICE');
    const again = registered(requestOf({ hostName: 'new' }), out, 3);
    expect(statusOf(again)).toBe('OUT_OF_SERVICE');
    expect(statusOf(registered(requestOf({ status: 'DOWN' }), out, 3))).toBe('DOWN');
    expect(overridden(out, 'OUT_OF_SERVICE', 4)).toBe(out);
    expect(overrideCleared(again, 'UP', 5)).toMatchObject({ status: 'UP', upMs: 5 });
    expect(overrideCleared(again, 'UP', 5)).not.toHaveProperty('override');
  });

  it('takes the override that an instance remembers, if the registry knows none', () => {
    const remembered = registered(requestOf({ override: 'OUT_OF_SERVICE' }), undefined, 1);
    expect(statusOf(remembered)).toBe('OUT_OF_SERVICE');
  });

  it('must be made again when the instance changed since, or nobody knows its status', () => {
    const known = registrationOf({ dirtyMs: 100 });
    expect([0, 99, 100, 101].map((dirtyMs) => isOutdated(known, dirtyMs))).toEqual([
      false,
      false,
      false,
      true,
    ]);
    expect(isOutdated(overrideCleared(known, undefined, 1), 0)).toBe(true);
  });

  it('adds metadata to what is there', () => {
    const after = withMetadata(registrationOf({ metadata: { a: '1', b: '2' } }), { b: '3', c: '4' }, 1);
    expect(after.metadata).toEqual({ a: '1', b: '3', c: '4' });
  });
});
