import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nameOf } from '../../src/health/evidence.ts';
import { judge } from '../../src/health/judge.ts';
import { probersOf, probeTargets } from '../../src/health/probers.ts';
import { seededRandom } from '../sim/random.ts';
import { healed, views } from './arbitrary.ts';
import { answering, failing, nodes, NOW_MS, refused, registered, view } from './fleet.ts';

const names = (list: readonly { readonly service: string; readonly id: string }[]): readonly string[] =>
  list.map(nameOf);
const SILENT = { silentSinceMs: NOW_MS - 20_000 };

/** Two nodes of which one is silent. */
const two = (probes: ReturnType<typeof failing>) =>
  nodes(2, (index) =>
    index === 0 ? { silentSinceMs: NOW_MS - 90_000, heardMs: NOW_MS - 100_000, probes } : {},
  );

/** Five instances of which the first so many are gone. */
const partlyGone = (count: number) =>
  registered(5, (index) => (index < count ? { probes: refused(NOW_MS) } : {}));

describe('what follows from silence', () => {
  it('is that a powered-off node is out of the rules at once, and its instances elsewhere after a minute', () => {
    const instances = nodes(5).map(
      ({ name }) => ({ service: 'web', id: name, origin: 'managed', node: name, probes: [] }) as const,
    );
    const after = (ms: number) => {
      const isSilent = ms >= 10_000;
      const fleet = nodes(5, (index) =>
        index === 0
          ? {
              heardMs: NOW_MS - ms,
              probes: failing(NOW_MS, ms),
              ...(isSilent ? { silentSinceMs: NOW_MS - ms + 10_000 } : {}),
            }
          : {},
      );
      const { withdraw, evict, lostNodes } = judge(view({ nodes: fleet, instances }), seededRandom(1));
      return { withdraw: names(withdraw), evict: names(evict), lostNodes };
    };
    expect(after(1_900)).toEqual({ withdraw: [], evict: [], lostNodes: [] });
    expect(after(2_100)).toEqual({ withdraw: ['web/n0'], evict: [], lostNodes: [] });
    expect(after(69_000)).toEqual({ withdraw: ['web/n0'], evict: [], lostNodes: [] });
    expect(after(71_000)).toEqual({ withdraw: ['web/n0'], evict: ['web/n0'], lostNodes: ['n0'] });
  });

  it('is nothing where somebody has an answer', () => {
    const instances = registered(3, (index) =>
      index === 0 ? { ...SILENT, probes: answering(NOW_MS, 1) } : {},
    );
    expect(names(judge(view({ instances }), seededRandom(1)).evict)).toEqual([]);
    const silent = registered(3, (index) => (index === 0 ? SILENT : {}));
    expect(names(judge(view({ instances: silent }), seededRandom(1)).evict)).toEqual(['web/0']);
    const fleet = nodes(5, (index) => (index === 0 ? { silentSinceMs: NOW_MS - 90_000 } : {}));
    expect(judge(view({ nodes: fleet }), seededRandom(1)).lostNodes).toEqual([]);
  });

  it('is nothing while one other of several has an answer, or every fifth packet is lost', () => {
    const [first, ...rest] = failing(NOW_MS, 8_000);
    const probes = [
      ...rest,
      ...(first === undefined ? [] : [{ ...first, failures: 1, failingSinceMs: NOW_MS - 1_000 }]),
    ];
    const instances = registered(3, (index) => (index === 0 ? { probes } : {}));
    expect(judge(view({ instances }), seededRandom(1)).withdraw).toEqual([]);
    const all = registered(3, (index) => (index === 0 ? { probes: failing(NOW_MS, 8_000) } : {}));
    expect(names(judge(view({ instances: all }), seededRandom(1)).withdraw)).toEqual(['web/0']);
  });

  it('believes others more than its own node when they cannot reach an instance', () => {
    const own = { by: 'n0', atMs: NOW_MS, failures: 0 };
    const one = { node: 'n0', probes: [own, ...failing(NOW_MS, 4_000, 2)] };
    const instances = registered(3, (index) => (index === 0 ? one : {}));
    expect(names(judge(view({ instances }), seededRandom(1)).withdraw)).toEqual(['web/0']);
    const alone = registered(3, (index) =>
      index === 0
        ? { node: 'n0', probes: failing(NOW_MS, 4_000, 1).map((probe) => ({ ...probe, by: 'n0' })) }
        : {},
    );
    expect(names(judge(view({ instances: alone }), seededRandom(1)).withdraw)).toEqual(['web/0']);
  });

  it('is not believed from two nodes without a probe that says so too', () => {
    expect(judge(view({ nodes: two([]) }), seededRandom(1)).lostNodes).toEqual([]);
    expect(judge(view({ nodes: two(failing(NOW_MS, 90_000, 1)) }), seededRandom(1)).lostNodes).toEqual([
      'n0',
    ]);
  });

  it('keeps all of a service in the rules when fewer than half would be left', () => {
    expect(names(judge(view({ instances: partlyGone(2) }), seededRandom(1)).withdraw)).toEqual([
      'web/0',
      'web/1',
    ]);
    expect(judge(view({ instances: partlyGone(3) }), seededRandom(1)).withdraw).toEqual([]);
  });

  it('leaves the last one of a service, the one that was heard last, and what people listed', () => {
    const instances = [
      { service: 'a', id: '1', origin: 'registered', silentSinceMs: NOW_MS - 900_000, probes: [] },
      { service: 'a', id: '2', origin: 'registered', silentSinceMs: NOW_MS - 300_000, probes: [] },
      { service: 'b', id: '1', origin: 'static', silentSinceMs: NOW_MS - 600_000, probes: [] },
      { service: 'b', id: '2', origin: 'static', probes: [] },
    ] as const;
    const { gate, evict } = judge(view({ instances }), seededRandom(1));
    expect([gate.kind, names(evict)]).toEqual(['open', ['a/1']]);
  });

  it('takes at most 15 % in a pass, drawn at random', () => {
    const instances = registered(100, (index) =>
      index < 60 ? { silentSinceMs: NOW_MS - index * 61_000, leaseMs: 0 } : {},
    );
    const drawn = (seed: number): readonly string[] =>
      names(judge(view({ instances }), seededRandom(seed)).evict);
    expect(drawn(1)).toHaveLength(15);
    expect(drawn(1)).toEqual(drawn(1));
    expect(drawn(1)).not.toEqual(drawn(2));
  });
});

describe('whatever is seen, seeded', () => {
  it('nothing is taken while the gate is closed, and never the last of a service, nor more than its part', () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(views, fc.integer(), (seen, seed) => {
        const { gate, evict, withdraw, lostNodes } = judge(seen, seededRandom(seed));
        kinds.add(`${gate.kind} ${evict.length > 0}`);
        const taken = [...evict, ...withdraw, ...lostNodes];
        expect(gate.kind === 'open' || taken.length === 0).toBe(true);
        expect(evict.length).toBeLessThanOrEqual(Math.max(1, Math.floor(0.15 * seen.instances.length)));
        for (const some of [evict, withdraw]) {
          const gone = new Set(names(some));
          expect(gone.size).toBe(some.length);
          for (const { service } of some) {
            const left = seen.instances.filter(
              (one) =>
                one.service === service && !gone.has(nameOf(one)) && !seen.intent.leaving.has(nameOf(one)),
            );
            expect(left.length).toBeGreaterThan(0);
          }
        }
        for (const key of names(evict)) {
          expect(seen.intent.leaving.has(key)).toBe(false);
          expect(seen.instances.find((one) => nameOf(one) === key)?.origin).not.toBe('static');
        }
      }),
      { seed: 11, numRuns: 150 },
    );
    expect([...kinds].toSorted()).toEqual(['closed false', 'open false', 'open true']);
  });

  it('the gate opens when what it waits for happened: all came back, or those that are gone were taken away', () => {
    let closed = 0;
    fc.assert(
      fc.property(views, (seen) => {
        if (judge(seen, seededRandom(1)).gate.kind === 'open') return;
        closed += 1;
        expect(judge(healed(seen), seededRandom(1)).gate).toEqual({ kind: 'open' });
        const intent = {
          excusedNodes: new Set(seen.nodes.map(({ name }) => name)),
          leaving: new Set(seen.instances.map(nameOf)),
        };
        expect(judge({ ...seen, intent, storeBackMs: undefined }, seededRandom(1)).gate).toEqual({
          kind: 'open',
        });
      }),
      { seed: 12, numRuns: 100 },
    );
    expect(closed).toBeGreaterThan(20);
  });

  it('passes, one after another, take what is lost and leave every service something', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 40 }),
        fc.integer(),
        (count, lost, seed) => {
          const random = seededRandom(seed);
          let instances = registered(count, (index) =>
            index < lost ? { silentSinceMs: NOW_MS - 10_000 - index * 61_000, leaseMs: 0 } : {},
          );
          for (let pass = 0; pass < 45; pass += 1) {
            const gone = new Set(names(judge(view({ instances }), random).evict));
            instances = instances.filter((one) => !gone.has(nameOf(one)));
          }
          expect(instances).toHaveLength(Math.max(1, count - lost));
        },
      ),
      { seed: 13, numRuns: 12 },
    );
  });
});

describe('who probes whom', () => {
  const all = Array.from({ length: 20 }, (_, index) => `n${index}`);

  it('is known alike to everybody: three others each', () => {
    for (const node of all) {
      const probers = probersOf(node, all);
      expect(probers).toHaveLength(3);
      expect(probers).not.toContain(node);
      expect(probersOf(node, all.toReversed())).toEqual(probers);
      for (const prober of probers) expect(probeTargets(prober, all)).toContain(node);
    }
    expect(probersOf('n0', ['n0', 'n1'])).toEqual(['n1']);
    expect(probersOf('n0', ['n0'])).toEqual([]);
  });

  it('changes little when a node goes: only what it probed gets another', () => {
    const without = all.filter((node) => node !== 'n7');
    for (const node of without) {
      const before = probersOf(node, all);
      const lost = before.filter((prober) => !probersOf(node, without).includes(prober));
      expect(lost).toEqual(before.includes('n7') ? ['n7'] : []);
    }
  });

  it('is spread: nobody probes many', () => {
    const most = Math.max(...all.map((node) => probeTargets(node, all).length));
    expect(most).toBeLessThanOrEqual(9);
  });
});
