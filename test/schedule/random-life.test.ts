import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Assignment } from '../../src/model/assignment.ts';
import { emptyMemory, storeCameBack } from '../../src/schedule/memory.ts';
import { planCluster } from '../../src/schedule/plan.ts';
import type { Step } from '../../src/schedule/step.ts';
import type { ClusterView } from '../../src/schedule/view.ts';
import { template, World } from './world.ts';

const NODES = ['n1', 'n2', 'n3', 'n4'];
const SERVICES = ['api', 'web'];
const WORDS = ['one', 'two', 'bad'];

/** Something that happens in the cluster. */
type Event =
  | { readonly kind: 'publish'; readonly service: string; readonly replicas: number; readonly word: string }
  | { readonly kind: 'unpublish'; readonly service: string }
  | {
      readonly kind: 'silence' | 'wake' | 'cordon' | 'drain-node' | 'force-node' | 'restore-node';
      readonly node: string;
    }
  | {
      readonly kind: 'crash' | 'fail' | 'unwell' | 'drain' | 'force' | 'restore' | 'stopped' | 'vanish';
      readonly pick: number;
    }
  | { readonly kind: 'tick'; readonly ms: number }
  | { readonly kind: 'late-tick' }
  | { readonly kind: 'agents' | 'new-leader' | 'store-lost' };

const service = fc.constantFrom(...SERVICES);
const node = fc.constantFrom(...NODES);
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('tick' as const), ms: fc.constantFrom(200, 2_000, 30_000) }),
  },
  { weight: 6, arbitrary: fc.constantFrom<Event>({ kind: 'agents' }, { kind: 'late-tick' }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('new-leader' as const, 'store-lost' as const) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      service,
      replicas: fc.integer({ min: 0, max: 7 }),
      word: fc.constantFrom(...WORDS),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unpublish' as const), service }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('silence', 'wake', 'cordon', 'drain-node', 'force-node', 'restore-node'),
      node,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('crash', 'fail', 'unwell', 'drain', 'force', 'restore', 'stopped', 'vanish'),
      pick: fc.nat(20),
    }),
  },
);

/** What must hold of every step at the moment it is written, by the store as it is then. */
function check(world: World, step: Step): void {
  const wanted = world.services.get(step.service)?.value.replicas ?? 0;
  const gone = !world.services.has(step.service);
  const of = world.of(step.service);
  const instance = (id: string) => world.instances.get(`${step.service}/${id}`)?.value;
  const drained = (name: string): boolean => world.facts.get(name)?.value.drain !== undefined;
  const isForcedOut = (one: Assignment): boolean =>
    instance(one.id)?.drain?.force === true || world.facts.get(one.node)?.value.drain?.force === true;
  const isReady = (one: (typeof of)[number]): boolean =>
    one.state === 'ready' &&
    one.assignment.stop === undefined &&
    !isForcedOut(one.assignment) &&
    world.alive.has(one.assignment.node);
  const stopped = step.actions.flatMap((action) => (action.kind === 'stop' ? [action.assignment.id] : []));
  const ready = of.filter(isReady);
  const left = ready.filter(({ assignment }) => !stopped.includes(assignment.id));
  const tooFew = !gone && left.length < ready.length && left.length < wanted;
  expect({ tooFew, stopped }).toEqual({ tooFew: false, stopped });

  const placed = step.actions.flatMap((action) => (action.kind === 'place' ? [action.assignment] : []));
  for (const { node: name, id } of placed) {
    expect({ alive: world.alive.has(name), drained: drained(name) }).toEqual({ alive: true, drained: false });
    expect(world.placed).not.toContain(id);
  }
  if (placed.length === 0) return;
  const removed = step.actions.flatMap((action) => (action.kind === 'remove' ? [action.id] : []));
  const out = new Set([...stopped, ...removed]);
  // Those that run or shall run: not told to go, not taken out by people, not lost with their node, not broken.
  const staying = of.filter(
    ({ assignment, state }) =>
      assignment.stop === undefined &&
      !out.has(assignment.id) &&
      !isForcedOut(assignment) &&
      world.alive.has(assignment.node) &&
      !['failed', 'crashloop', 'stopped'].includes(state),
  );
  expect(staying.length + placed.length).toBeLessThanOrEqual(wanted + 1);
}

const isGood = ({
  template: { command },
}: {
  readonly template: { readonly command: readonly string[] };
}): boolean => command[1] !== 'bad';

/** Any instance, by a number. */
function pick(world: World, number: number) {
  const all = [...world.assignments.values()];
  return all.length === 0 ? undefined : all[number % all.length]?.value;
}

const PICKED = { crash: 'crashloop', fail: 'failed', unwell: 'starting', stopped: 'stopped' } as const;

function happen(world: World, what: Event, late: { view?: ClusterView; revision: number }): void {
  switch (what.kind) {
    case 'publish':
      return world.publish(what.service, what.replicas, template(what.word));
    case 'unpublish':
      return world.unpublish(what.service);
    case 'silence':
      return world.silence(what.node);
    case 'wake':
      return world.alive.has(what.node) ? undefined : world.wake(what.node);
    case 'cordon':
      return world.annotate(what.node, { cordoned: true });
    case 'drain-node':
      return world.annotate(what.node, { drain: { since: 'x', by: 'anna' } });
    case 'force-node':
      return world.annotate(what.node, { drain: { since: 'x', by: 'anna', force: true } });
    case 'restore-node':
      return world.annotate(what.node, { cordoned: undefined, drain: undefined });
    case 'agents':
      return world.agents(isGood);
    case 'new-leader':
      world.memory = emptyMemory();
      return undefined;
    case 'store-lost':
      world.memory = storeCameBack(world.memory, world.ms);
      return undefined;
    case 'tick':
    case 'late-tick':
      return look(world, what, late);
    case 'crash':
    case 'fail':
    case 'unwell':
    case 'drain':
    case 'force':
    case 'restore':
    case 'stopped':
    case 'vanish':
      return befall(world, what);
  }
  return undefined;
}

/** Something happens to one instance. */
function befall(world: World, what: Extract<Event, { readonly pick: number }>): void {
  const assignment = pick(world, what.pick);
  if (assignment === undefined) return;
  if (what.kind === 'vanish') world.instances.delete(`${assignment.service}/${assignment.id}`);
  else if (what.kind === 'drain') world.say(assignment, 'ready', { drain: { since: 'x', by: 'anna' } });
  else if (what.kind === 'restore') world.say(assignment, 'ready', { drain: undefined });
  else if (what.kind === 'force')
    world.say(assignment, 'ready', { drain: { since: 'x', by: 'anna', force: true } });
  else world.say(assignment, PICKED[what.kind]);
}

/** The leader looks; a late one plans from what it saw at its look before. */
function look(
  world: World,
  what: Extract<Event, { readonly kind: 'tick' | 'late-tick' }>,
  late: { view?: ClusterView; revision: number },
): void {
  if (what.kind === 'tick') world.ms += what.ms;
  const old = { ...late };
  late.view = world.view();
  late.revision = world.revision;
  const view = what.kind === 'late-tick' ? (old.view ?? late.view) : late.view;
  const steps = world.plan(view);
  world.write(steps, view === old.view ? old.revision : late.revision, (step) => check(world, step));
}

/** Everything is well from now on. */
function heal(world: World): void {
  for (const name of NODES) {
    world.annotate(name, { cordoned: undefined, drain: undefined });
    if (!world.alive.has(name)) world.wake(name);
  }
  for (const name of SERVICES) {
    const { replicas = 2 } = world.services.get(name)?.value ?? {};
    world.publish(name, replicas, template('final'));
  }
}

describe('a cluster with any life', () => {
  it('keeps what must hold at every step, and comes to rest as wanted when it is well again', () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 5, maxLength: 60 }), (events) => {
        const world = new World();
        for (const name of NODES) world.node(name);
        const late = { revision: 0 };
        for (const what of events) happen(world, what, late);
        heal(world);
        world.settle(undefined, 400, (step) => check(world, step));
        for (const name of SERVICES) {
          const wanted = world.services.get(name)?.value.replicas ?? 0;
          const of = world.of(name);
          expect(of.map(({ state }) => state)).toEqual(Array(wanted).fill('ready'));
          expect(of.every(({ assignment }) => assignment.template.command[1] === 'final')).toBe(true);
          expect([...world.instances.values()].filter(({ value }) => value.service === name)).toHaveLength(
            wanted,
          );
        }
        expect(world.plan()).toEqual([]);
        expect(new Set(world.placed).size).toBe(world.placed.length);
      }),
      { seed: 4, numRuns: 150 },
    );
  }, 60_000);

  it('is decided about equally from an equal view, in whatever order it was read', () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 5, maxLength: 40 }), (events) => {
        const world = new World();
        for (const name of NODES) world.node(name);
        const late = { revision: 0 };
        for (const what of events) happen(world, what, late);
        const view = world.view();
        const turned: ClusterView = {
          ...view,
          services: new Map([...view.services].toReversed()),
          instances: new Map(
            [...view.instances].toReversed().map(([name, list]) => [name, list.toReversed()]),
          ),
          assignments: view.assignments.toReversed(),
          nodes: new Map([...view.nodes].toReversed()),
        };
        const input = { ids: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] };
        const now = { ms: world.ms, at: '2026-01-01T00:00:00.000Z' };
        expect(planCluster(turned, now, input)).toEqual(planCluster(view, now, input));
      }),
      { seed: 5, numRuns: 200 },
    );
  });
});
