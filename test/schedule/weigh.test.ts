import { describe, expect, it } from 'vitest';
import type { Signals } from '../../src/balance/adaptive/signals.ts';
import type { Assignment } from '../../src/model/assignment.ts';
import type { ComputedWeights } from '../../src/model/computed-weights.ts';
import type { Instance, Service, Stored } from '../../src/model/service.ts';
import { templateOf } from '../../src/model/template-defaults.ts';
import { weighServices, type WeighedServices } from '../../src/schedule/weigh.ts';

const AT = '2026-01-31T09:30:00.000Z';
const SERVICE: Service = {
  name: 'web',
  entries: [{ ip: '10.96.0.1', port: 80, protocol: 'tcp' }],
  origin: 'managed',
  masquerade: false,
  createdAt: AT,
};

const stored = <T>(value: T, modRevision = 3): Stored<T> => ({
  value,
  createRevision: 1,
  modRevision,
  raw: {},
});

const instance = (id: string, more: Partial<Instance> = {}): Stored<Instance> =>
  stored({
    service: 'web',
    id,
    ip: '10.0.0.1',
    port: 80,
    weight: 1,
    origin: 'managed',
    state: 'ready',
    createdAt: AT,
    ...more,
  });

/** The leader's looks, two seconds apart, each writing what the one before decided. */
function leader(
  service: Service,
  instances: readonly Stored<Instance>[],
  signals: Signals = new Map(),
  assignments: readonly Stored<Assignment>[] = [],
) {
  let states: WeighedServices['states'] = new Map();
  let written: Stored<ComputedWeights> | undefined;
  let ms = 0;
  return {
    written: () => written,
    look: (now = service, present = instances, seen = signals): WeighedServices => {
      ms += 2_000;
      const view = {
        services: new Map([['web', stored(now)]]),
        instances: new Map([['web', present]]),
        listed: new Map(),
        assignments,
        weights: new Map(written === undefined ? [] : [['web', written]]),
      };
      const weighed = weighServices(view, { signals: seen, now: { ms, at: AT }, states });
      ({ states } = weighed);
      for (const action of weighed.steps.flatMap(({ actions }) => actions)) {
        if (action.kind === 'weigh') written = action.weights && stored(action.weights, ms);
      }
      return weighed;
    },
  };
}

const entries = (weights: Stored<ComputedWeights> | undefined) => [...(weights?.value.weights ?? [])];

describe('weights that the leader writes', () => {
  it('are those of ready instances, alike at first, and written once', () => {
    const away = [
      instance('d', { state: 'starting' }),
      instance('e', { origin: 'static', drain: { since: AT, by: 'me' } }),
      instance('f', { weight: 0 }),
    ];
    const lead = leader(SERVICE, [instance('a'), instance('b'), instance('c', { weight: 2 }), ...away]);
    const [step] = lead.look().steps;
    expect(step).toMatchObject({ service: 'web', topic: 'weights' });
    expect(step?.basis).toEqual([
      { kind: 'service', service: 'web', modRevision: 3 },
      { kind: 'weights', service: 'web', modRevision: 0 },
    ]);
    const [a, b, c] = entries(lead.written()).map(([, { weight }]) => weight);
    expect(entries(lead.written()).map(([id, { base }]) => [id, base])).toEqual([
      ['a', 1],
      ['b', 1],
      ['c', 2],
    ]);
    expect([b, c]).toEqual([a, (a ?? 0) * 2]);
    expect(lead.look().steps).toEqual([]);
  });

  it('move away from an instance that has more to do, and say why in themselves', () => {
    const signals: Signals = new Map(
      ['a', 'b', 'c'].map((id) => [
        `web/${id}`,
        { cpu: id === 'a' ? 0.85 : 0.3, connections: id === 'a' ? 60 : 12, rate: 20, counters: 1 },
      ]),
    );
    const abc = ['a', 'b', 'c'].map((id) => instance(id));
    const lead = leader(SERVICE, abc, signals);
    const whys = Array.from({ length: 60 }, () => lead.look()).flatMap(({ steps }) =>
      steps.flatMap(({ actions }) => actions.map(({ why }) => why)),
    );
    const [a = 0, b = 0] = entries(lead.written()).map(([, { weight }]) => weight);
    expect(a).toBeLessThan(b / 2);
    expect(new Set(whys)).toEqual(new Set([undefined]));
    expect(lead.written()?.value.why).toBe('first weights');
    const calm: Signals = new Map(
      [...signals].map(([key, signal]) => [key, { ...signal, ...signals.get('web/b') }]),
    );
    Array.from({ length: 60 }, () => lead.look(SERVICE, abc, calm));
    expect(lead.written()?.value.why).toMatch(/of new connections go elsewhere, most by a from/);
  });

  it('are left alone, or taken back, where people set them', () => {
    const listed: Service = { ...SERVICE, origin: 'static' };
    expect(leader(listed, [instance('a', { origin: 'static' })]).look().steps).toEqual([]);
    const lead = leader(SERVICE, [instance('a')]);
    lead.look();
    const policy = { weights: { kind: 'static', slowStartSeconds: 10 } } as const;
    const [step] = lead.look({ ...SERVICE, policy }).steps;
    expect(step?.actions).toMatchObject([{ kind: 'weigh', weights: undefined }]);
    expect(lead.written()).toBeUndefined();
  });

  it('are made anew when a base weight changed, and stay when nothing is ready', () => {
    const lead = leader(SERVICE, [instance('a'), instance('b')]);
    lead.look();
    lead.look(SERVICE, [instance('a', { weight: 3 }), instance('b')]);
    const [[, a] = [], [, b] = []] = entries(lead.written());
    expect([a?.base, a?.weight]).toEqual([3, (b?.weight ?? 0) * 3]);
    expect(lead.look(SERVICE, [instance('a', { state: 'failed' })]).steps).toEqual([]);
  });

  it('stand before an instance is ready: little, of what all that come will share, and not written again when it is', () => {
    const assigned = (id: string, more: Partial<Assignment> = {}): Stored<Assignment> =>
      stored({
        node: 'n1',
        service: 'web',
        id,
        template: templateOf({ command: ['serve'] }),
        templateHash: 'h',
        weight: 1,
        createdAt: AT,
        ...more,
      });
    const stop = { reason: 'scaled', since: AT };
    const lead = leader(SERVICE, [instance('a'), instance('b')], new Map(), [
      ...['a', 'b', 'c', 'd', 'e', 'g'].map((id) => assigned(id)),
      assigned('f', { stop }),
      assigned('x', { service: 'other' }),
    ]);
    const failed = instance('g', { state: 'starting', restarts: 1 });
    const ready = (...ids: readonly string[]) => [...ids.map((id) => instance(id)), failed];
    lead.look(SERVICE, ready('a', 'b'));
    const first = new Map(entries(lead.written()).map(([id, { weight }]) => [id, weight]));
    expect([...first.keys()]).toEqual(['a', 'b', 'c', 'd', 'e']);
    const [a = 0, c = 0] = [first.get('a'), first.get('c')];
    expect(c / a).toBeLessThan(0.1);
    expect(c).toBeGreaterThanOrEqual(1);
    const d = instance('d', { state: 'starting' });
    expect(lead.look(SERVICE, [...ready('a', 'b', 'c'), d]).steps).toEqual([]);
    expect(lead.look(SERVICE, ready('a', 'b', 'c', 'd', 'e')).steps).toEqual([]);
  });
});
