import { describe, expect, it } from 'vitest';
import { adopt, type AdoptInput, adopted } from '../../src/registry/adopt.ts';
import { registrationOf, requestOf } from './registration.ts';

const source = 'eureka:8761';
const own = (id: string) => registrationOf({ id, source, registeredMs: 5 });
const wantedOf = (...ids: readonly string[]): AdoptInput['wanted'] =>
  new Map(ids.map((id) => [`WEB/${id}`, requestOf({ id })]));
const input = (fields: Partial<AdoptInput>): AdoptInput => ({
  source,
  wanted: new Map(),
  left: new Set(),
  present: [],
  goneSinceMs: undefined,
  nowMs: 0,
  wallMs: 10,
  ...fields,
});
const ids = (some: readonly { readonly id: string }[]): readonly string[] => some.map(({ id }) => id);

describe('taking over what another registry has', () => {
  it('writes what is new or changed there, and nothing else', () => {
    const present = [own('a'), own('b')];
    const wanted = new Map([...wantedOf('a', 'c'), ['WEB/b', requestOf({ id: 'b', status: 'DOWN' })]]);
    expect(ids(adopt(input({ wanted, present })).put)).toEqual(['c', 'b']);
    expect(adopted(requestOf({ id: 'a' }), own('a'), { source, wallMs: 10 })).toEqual(own('a'));
  });

  it('follows the status that people said there, and forgets it with them', () => {
    const said = adopted(requestOf({ override: 'OUT_OF_SERVICE' }), own('i-1'), { source, wallMs: 10 });
    expect(said).toMatchObject({ override: 'OUT_OF_SERVICE', source, registeredMs: 5, updatedMs: 10 });
    expect(adopted(requestOf({ override: 'OUT_OF_SERVICE' }), said, { source, wallMs: 11 })).toBe(said);
    expect(adopted(requestOf(), said, { source, wallMs: 12 }).override).toBeUndefined();
  });

  it('never touches what registered here itself, or came from elsewhere', () => {
    const present = [registrationOf({ id: 'a' }), registrationOf({ id: 'b', source: 'other' })];
    const { put, remove } = adopt(input({ wanted: wantedOf('a'), present }));
    expect([ids(put), ids(remove)]).toEqual([[], []]);
  });

  it('removes what is gone there at once, but many only after a while', () => {
    const all = Array.from({ length: 20 }, (_, index) => `i-${index}`);
    const present = all.map(own);
    const few = adopt(input({ present, wanted: wantedOf(...all.slice(3)) }));
    expect([ids(few.remove), few.goneSinceMs]).toEqual([['i-0', 'i-1', 'i-2'], undefined]);
    const many = adopt(input({ present, nowMs: 1_000 }));
    expect([many.remove, many.goneSinceMs]).toEqual([[], 1_000]);
    const still = adopt(input({ present, nowMs: 180_999, goneSinceMs: 1_000 }));
    expect(still.remove).toEqual([]);
    const believed = adopt(input({ present, nowMs: 181_000, goneSinceMs: 1_000 }));
    expect(believed.remove).toHaveLength(20);
    // Of those that left by its own word there is no doubt, however many.
    const left = new Set(all.slice(0, 12).map((id) => `WEB/${id}`));
    const leaving = adopt(input({ present, left, wanted: wantedOf(...all.slice(12)) }));
    expect([leaving.remove.length, leaving.goneSinceMs]).toEqual([12, undefined]);
    const both = adopt(input({ present, left, wanted: wantedOf(...all.slice(16)), nowMs: 7 }));
    expect([ids(both.remove), both.goneSinceMs]).toEqual([all.slice(0, 12), 7]);
    // They are back: the next time it begins anew.
    expect(
      adopt(input({ present, wanted: wantedOf(...all), goneSinceMs: 1_000 })).goneSinceMs,
    ).toBeUndefined();
  });
});
