/** Owns arbitrary views of a fleet's health. */
import * as fc from 'fast-check';
import type { HealthView } from '../../src/health/evidence.ts';
import { NOW_MS, view } from './fleet.ts';

const ago = (seconds: number | null): number | undefined =>
  seconds === null ? undefined : NOW_MS - seconds * 1_000;

/** A view with anything in it: up to 12 nodes, silent, out of reach, answering, excused, in every mixture. */
export const views: fc.Arbitrary<HealthView> = fc
  .record({
    nodes: fc.array(
      fc.record({
        silent: fc.option(fc.integer({ min: 0, max: 1_200 })),
        away: fc.option(fc.integer({ min: 0, max: 1_200 })),
        answers: fc.boolean(),
      }),
      { maxLength: 12 },
    ),
    excused: fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 3 }),
    store: fc.option(fc.integer({ min: 0, max: 60 })),
  })
  .map(({ nodes, excused, store }) =>
    view({
      nodes: nodes.map(({ silent, away, answers }, index) => ({
        name: `n${index}`,
        silentSinceMs: ago(silent),
        awaySinceMs: ago(away),
        answers,
      })),
      used: new Set(nodes.map((_, index) => `n${index}`)),
      excused: new Set(excused.map((index) => `n${index}`)),
      storeBackMs: ago(store),
    }),
  );
