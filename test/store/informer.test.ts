import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type Informer, startInformer } from '../../src/store/informer.ts';
import type { InformerChange } from '../../src/store/informer-options.ts';
import type { InformerState } from '../../src/store/informer-state.ts';
import { AGENT_RANGE, GENERATION_KEY } from '../../src/store/keys.ts';
import { createMemoryBackend } from '../../src/store/memory/backend.ts';
import type { MemoryCall, MemoryFault } from '../../src/store/memory/calls.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import type { KeyValue, Operation, StoreEvent } from '../../src/store/store.ts';
import { createVirtualClock, settle } from '../harness/virtual-clock.ts';

const put = (key: string, value: string): Operation => ({ kind: 'put', key, value });

/** A server, a writer that always gets through, and an informer on a store whose faults the test chooses. */
function createWorld() {
  const clock = createVirtualClock();
  const backend = createMemoryBackend(clock);
  const writer = createMemoryStore({ clock, backend });
  const faults: {
    call: (call: MemoryCall) => MemoryFault | undefined;
    pass: (events: readonly StoreEvent[]) => readonly StoreEvent[];
  } = {
    call: () => undefined,
    pass: (events) => events,
  };
  const calls: MemoryCall[] = [];
  const store = createMemoryStore({
    clock,
    backend,
    fault: (call) => {
      calls.push(call);
      return faults.call(call);
    },
    pass: (events) => faults.pass(events),
  });
  const changes: InformerChange[] = [];
  const states: InformerState[] = [];
  const start = (): Informer =>
    startInformer({
      store,
      range: AGENT_RANGE,
      clock,
      random: () => 0.5,
      onChange: (change) => changes.push(change),
      onState: (state) => states.push(state),
    });
  const write = async (...operations: readonly Operation[]): Promise<number> => {
    const result = await writer.transact({ compares: [], operations });
    await settle();
    return result.revision;
  };
  const stored = (): Map<string, KeyValue> =>
    new Map(backend.history.at(AGENT_RANGE).map((item) => [item.key, item]));
  return { clock, backend, store, faults, calls, changes, states, start, write, stored };
}

const unreachable = (): MemoryFault => ({ kind: 'unreachable' });

describe('the informer', () => {
  const informers: Informer[] = [];
  afterEach(() => {
    for (const informer of informers.splice(0)) void informer.close();
  });
  const begin = async (world: ReturnType<typeof createWorld>): Promise<Informer> => {
    const informer = world.start();
    informers.push(informer);
    await settle();
    return informer;
  };

  it('lists once, then follows whole transactions', async () => {
    const world = createWorld();
    const first = await world.write(put('service/a', '1'), put('service/b', '1'));
    const informer = await begin(world);
    await informer.synced(1_000);
    expect(world.changes).toMatchObject([
      { revision: first, keys: ['service/a', 'service/b'], cause: 'list', setBack: false },
    ]);
    const second = await world.write(put('service/c', '1'), { kind: 'delete', key: 'service/a' });
    expect(world.changes[1]).toMatchObject({
      revision: second,
      keys: ['service/a', 'service/c'],
      cause: 'events',
      setBack: false,
    });
    expect(informer.items).toEqual(world.stored());
    expect(informer.state()).toMatchObject({
      connected: true,
      staleSince: undefined,
      lists: 1,
      revision: second,
    });
  });

  it('resumes after a cut from the last event that was delivered, without a listing', async () => {
    const world = createWorld();
    const informer = await begin(world);
    await world.write(put('service/a', '1'));
    world.faults.call = unreachable;
    world.store.cutWatches('cut');
    await settle();
    expect(informer.state()).toMatchObject({ connected: false, why: 'cut' });
    expect(informer.state().staleSince).toEqual(world.clock.now());
    await world.write(put('service/b', '1'));
    await world.write({ kind: 'delete', key: 'service/a' });
    await world.clock.advance(5_000);
    expect([...informer.items.keys()]).toEqual(['service/a']);
    world.faults.call = () => undefined;
    await world.clock.advance(1_500);
    expect(informer.items).toEqual(world.stored());
    expect(informer.state()).toMatchObject({ connected: true, staleSince: undefined, lists: 1 });
    expect(world.states.filter((state) => state.connected)).toHaveLength(2);
  });

  it('lists again after a compaction and tells deletions that it never saw', async () => {
    const world = createWorld();
    await world.write(put('service/a', '1'), put('service/b', '1'));
    const informer = await begin(world);
    world.faults.call = unreachable;
    world.store.cutWatches('cut');
    await world.write({ kind: 'delete', key: 'service/a' });
    await world.write(put('service/c', '1'));
    world.backend.compact();
    world.faults.call = () => undefined;
    await world.clock.advance(1_000);
    expect(world.changes.at(-1)).toMatchObject({ keys: ['service/a', 'service/c'], cause: 'list' });
    expect(informer.items).toEqual(world.stored());
    expect(informer.state().lists).toBe(2);
    expect(informer.state().lastRelist).toContain('compacted');
  });

  it('keeps what it has for as long as listing fails', async () => {
    const world = createWorld();
    await world.write(put('service/a', '1'));
    const informer = await begin(world);
    world.faults.call = (call) => (call === 'list' ? { kind: 'unreachable' } : undefined);
    world.store.cutWatches('cut');
    await world.write(put('service/b', '1'));
    world.backend.compact();
    await world.clock.advance(3_600_000);
    expect([...informer.items.keys()]).toEqual(['service/a']);
    expect(informer.state().connected).toBe(false);
    expect(world.changes).toHaveLength(1);
  });

  it('lists again when the generation jumps, and does not show the mix in between', async () => {
    const world = createWorld();
    await world.write(put('service/a', '1'), put(GENERATION_KEY, ''));
    const informer = await begin(world);
    world.faults.pass = () => [];
    await world.write(put('service/lost', '1'), put(GENERATION_KEY, ''));
    world.faults.pass = (events) => events;
    await world.write(put('service/b', '1'), put(GENERATION_KEY, ''));
    expect(informer.items.has('service/b')).toBe(false);
    await world.clock.advance(200);
    expect(informer.items).toEqual(world.stored());
    expect(world.changes.at(-1)).toMatchObject({
      cause: 'list',
      keys: [GENERATION_KEY, 'service/b', 'service/lost'],
    });
    expect(informer.state().lastRelist).toContain('generation went from 1 to 3');
  });

  it.each([
    ['a spec write', put(GENERATION_KEY, '')],
    ['a key without a generation', put('node/n1', '{}')],
  ])('finds within 16 s that the last event was lost: %s', async (_, operation) => {
    const world = createWorld();
    await world.write(put('service/a', '1'), put(GENERATION_KEY, ''));
    const informer = await begin(world);
    world.faults.pass = () => [];
    await world.write(operation);
    world.faults.pass = (events) => events;
    await world.clock.advance(16_000);
    expect(informer.items).toEqual(world.stored());
    expect(informer.state().lists).toBe(2);
  });

  it('finds a changed value whose event was lost at the full listing after ten minutes', async () => {
    const world = createWorld();
    await world.write(put('node/n1', 'old'));
    const informer = await begin(world);
    world.faults.pass = () => [];
    await world.write(put('node/n1', 'new'));
    world.faults.pass = (events) => events;
    await world.clock.advance(500_000);
    expect(informer.items.get('node/n1')?.value).toBe('old');
    await world.clock.advance(200_000);
    expect(informer.items.get('node/n1')?.value).toBe('new');
    expect(informer.state()).toMatchObject({ lists: 2, lastRelist: 'due' });
  });

  it('lists instead of catching up when it is more than 5,000 revisions behind', async () => {
    const world = createWorld();
    const informer = await begin(world);
    world.faults.call = unreachable;
    world.store.cutWatches('cut');
    for (let index = 0; index <= 5_000; index += 1) {
      world.backend.transact({ compares: [], operations: [put('service/a', String(index))] });
    }
    world.faults.call = () => undefined;
    await world.clock.advance(1_500);
    expect(informer.state()).toMatchObject({ lists: 2, events: 0, connected: true });
    expect(informer.items).toEqual(world.stored());
  });

  it('goes back with a store that was restored from a backup, and says so', async () => {
    const world = createWorld();
    const backup = await world.write(put('service/a', '1'));
    const informer = await begin(world);
    await world.write(put('service/a', '2'), put('service/b', '1'));
    world.backend.setBack(backup);
    await world.clock.advance(2_000);
    expect(world.changes.at(-1)).toMatchObject({
      revision: backup,
      keys: ['service/a', 'service/b'],
      cause: 'list',
      setBack: true,
    });
    expect(informer.items).toEqual(world.stored());
    expect(informer.state()).toMatchObject({ setBacks: 1, connected: true });
  });

  it('does not go back because one listing is old', async () => {
    const world = createWorld();
    const old = await world.write(put('service/a', '1'));
    const stale = world.store.list;
    const informer = startInformer({
      store: {
        ...world.store,
        list: async (range, options) => ({ ...(await stale(range, options)), revision: old - 1 }),
      },
      range: AGENT_RANGE,
      clock: world.clock,
      random: () => 0.5,
      onChange: (change) => world.changes.push(change),
    });
    informers.push(informer);
    await settle();
    const { revision } = informer.state();
    await world.write(put('service/b', '1'));
    expect(informer.state().revision).toBeGreaterThan(revision);
    informer.resync();
    await world.clock.advance(2_000);
    expect(informer.items.has('service/b')).toBe(true);
    expect(world.changes.every((change) => !change.setBack)).toBe(true);
    expect(informer.state().connected).toBe(false);
  });

  it('backs off from 50 ms to 1 s while the store is away', async () => {
    const world = createWorld();
    await begin(world);
    world.faults.call = unreachable;
    world.calls.length = 0;
    world.store.cutWatches('cut');
    await world.clock.advance(60_000);
    expect(world.calls.length).toBeGreaterThan(55);
    expect(world.calls.length).toBeLessThan(75);
  });

  it('gives a deadline to the first listing and says what was wrong', async () => {
    const world = createWorld();
    world.faults.call = unreachable;
    const informer = await begin(world);
    const waiting = informer.synced(3_000).catch((error: unknown) => error);
    await world.clock.advance(3_000);
    expect(await waiting).toMatchObject({ code: 'unavailable' });
    world.faults.call = () => ({ kind: 'refused' });
    await world.clock.advance(2_000);
    await expect(informer.synced(3_000)).rejects.toMatchObject({ code: 'permission' });
    world.faults.call = () => undefined;
    await world.clock.advance(2_000);
    await informer.synced(0);
  });

  it('is silent after it is closed', async () => {
    const world = createWorld();
    const informer = await begin(world);
    await informer.close();
    const before = world.calls.length;
    await world.write(put('service/a', '1'));
    await world.clock.advance(60_000);
    expect(world.calls).toHaveLength(before);
    expect(world.changes).toHaveLength(1);
  });

  it('ends equal to the store whatever is cut, lost, compacted or set back on the way', async () => {
    const action = fc.oneof(
      fc.record({ do: fc.constant('write' as const), key: fc.integer({ min: 0, max: 4 }) }),
      fc.record({ do: fc.constant('delete' as const), key: fc.integer({ min: 0, max: 4 }) }),
      fc.record({
        do: fc.constantFrom('cut' as const, 'away' as const, 'back' as const, 'compact' as const),
        key: fc.constant(0),
      }),
      fc.record({
        do: fc.constantFrom('lose' as const, 'deliver' as const, 'restore' as const),
        key: fc.constant(0),
      }),
      fc.record({ do: fc.constant('wait' as const), key: fc.integer({ min: 1, max: 2_000 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
        const world = createWorld();
        const informer = await begin(world);
        let backup = world.backend.history.head();
        let highest = 0;
        for (const [index, step] of actions.entries()) {
          const key = `service/${step.key}`;
          if (step.do === 'write')
            await world.write(put(key, String(index)), put(GENERATION_KEY, String(index)));
          if (step.do === 'delete')
            await world.write({ kind: 'delete', key }, put(GENERATION_KEY, String(index)));
          if (step.do === 'cut') world.store.cutWatches('cut');
          if (step.do === 'away') world.faults.call = unreachable;
          if (step.do === 'back') world.faults.call = () => undefined;
          if (step.do === 'compact') backup = compactAt(world);
          if (step.do === 'lose') world.faults.pass = () => [];
          if (step.do === 'deliver') world.faults.pass = (events) => events;
          if (step.do === 'restore') world.backend.setBack(backup);
          if (step.do === 'wait') await world.clock.advance(step.key);
        }
        world.faults.call = () => undefined;
        world.faults.pass = (events) => events;
        await world.clock.advance(20_000);
        expect(informer.items).toEqual(world.stored());
        for (const change of world.changes) {
          expect(change.revision >= highest || change.setBack).toBe(true);
          highest = change.revision;
        }
        await informer.close();
      }),
      { numRuns: 200, seed: 20_261_122 },
    );
  }, 60_000);
});

function compactAt(world: ReturnType<typeof createWorld>): number {
  world.backend.compact();
  return world.backend.history.head();
}
