import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REGISTERED_STATUSES, statusOf } from '../../src/model/registration.ts';
import { createCatalog } from '../../src/registry/catalog.ts';
import { createRecent } from '../../src/registry/recent.ts';
import { registrationOf } from './registration.ts';

describe('the catalog', () => {
  it('counts as a fresh one does, whatever way it came there', () => {
    const step = fc.record({
      app: fc.constantFrom('A', 'B'),
      id: fc.constantFrom('1', '2', '3'),
      status: fc.option(fc.constantFrom(...REGISTERED_STATUSES), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const [catalog, wanted] = [createCatalog(), new Map<string, string>()];
        for (const { app, id, status } of steps) {
          if (status === undefined) {
            catalog.remove(app, id);
            wanted.delete(`${app}/${id}`);
          } else {
            const registration = registrationOf({ app, id, status });
            catalog.put({ registration, modRevision: 1 });
            wanted.set(`${app}/${id}`, statusOf(registration));
          }
        }
        const all = catalog.apps().flatMap(({ instances }) => instances.map((one) => one.registration));
        expect(all.map(({ app, id }) => `${app}/${id}`)).toEqual([...wanted.keys()].toSorted());
        const counts = new Map<string, number>();
        for (const status of wanted.values()) counts.set(status, (counts.get(status) ?? 0) + 1);
        expect(new Map(catalog.counts())).toEqual(counts);
        expect(catalog.size()).toBe(wanted.size);
      }),
      { seed: 6, numRuns: 200 },
    );
  });
});

describe('recent changes', () => {
  it('tell the last one of each registration for three minutes', () => {
    const recent = createRecent();
    recent.add({ action: 'ADDED', registration: registrationOf({ id: 'a' }) }, 0);
    recent.add({ action: 'ADDED', registration: registrationOf({ id: 'b' }) }, 1_000);
    recent.add({ action: 'DELETED', registration: registrationOf({ id: 'a' }) }, 2_000);
    const said = (nowMs: number): readonly string[] =>
      recent.list(nowMs).map(({ action, registration }) => `${registration.id} ${action}`);
    expect(said(181_000)).toEqual(['b ADDED', 'a DELETED']);
    expect(said(181_001)).toEqual(['a DELETED']);
    expect(said(182_001)).toEqual([]);
  });
});
