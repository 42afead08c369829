/** Owns arbitrary views of a fleet's health, and what becomes of them when all is well again. */
import * as fc from 'fast-check';
import { type HealthView, type InstanceEvidence, nameOf } from '../../src/health/evidence.ts';
import { answering, failing, NOW_MS, refused, view } from './fleet.ts';

const probesOf = (kind: number) =>
  [[], answering(NOW_MS), failing(NOW_MS, 5_000), failing(NOW_MS, 700_000), refused(NOW_MS)][kind] ?? [];

const since = (ago: number | null): { silentSinceMs?: number } =>
  ago === null ? {} : { silentSinceMs: NOW_MS - ago * 1_000 };

/** A view with anything in it: up to 12 nodes and 60 instances of 5 services, silent, probed, leaving, in every mixture. */
export const views: fc.Arbitrary<HealthView> = fc
  .record({
    nodes: fc.array(
      fc.record({ ago: fc.option(fc.integer({ min: 0, max: 400 })), probes: fc.integer({ min: 0, max: 3 }) }),
      { maxLength: 12 },
    ),
    instances: fc.array(
      fc.record({
        service: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
        origin: fc.constantFrom('static', 'managed', 'registered'),
        node: fc.integer({ min: 0, max: 12 }),
        ago: fc.option(fc.integer({ min: 0, max: 4_000 })),
        probes: fc.integer({ min: 0, max: 4 }),
        leaves: fc.boolean(),
      }),
      { maxLength: 60 },
    ),
    excused: fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 3 }),
    store: fc.option(fc.integer({ min: 0, max: 60 })),
  })
  .map(({ nodes: fleet, instances, excused, store }) => {
    const evidence: readonly InstanceEvidence[] = instances.map((one, index) => {
      const { service, origin } = one;
      return {
        service,
        id: `i${index}`,
        origin,
        node: `n${one.node}`,
        leaseMs: 30_000,
        ...since(one.ago),
        probes: probesOf(one.probes),
      };
    });
    const leaving = evidence.filter((_, index) => instances[index]?.leaves === true).map(nameOf);
    return view({
      nodes: fleet.map(({ ago, probes }, index) => ({
        name: `n${index}`,
        ...since(ago),
        probes: probesOf(probes),
      })),
      instances: evidence,
      intent: { excusedNodes: new Set(excused.map((index) => `n${index}`)), leaving: new Set(leaving) },
      ...(store === null ? {} : { storeBackMs: NOW_MS - store * 1_000 }),
    });
  });

/** The view in which everything that was waited for happened. */
export const healed = (seen: HealthView): HealthView => ({
  ...seen,
  nodes: seen.nodes.map(({ name }) => ({ name, heardMs: seen.nowMs, probes: answering(seen.nowMs) })),
  instances: seen.instances.map((one) => ({ ...one, silentSinceMs: undefined, probes: [] })),
  nowMs: seen.nowMs,
  storeBackMs: undefined,
});
