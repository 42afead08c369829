import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../src/errors.ts';
import { formatEntry } from '../../src/model/entry.ts';
import { parseInstanceArgument } from '../../src/model/instance-argument.ts';
import { changeInstances } from '../../src/ops/change-instances.ts';
import { readCluster } from '../../src/ops/cluster-read.ts';
import type { WriteDeps } from '../../src/ops/deps.ts';
import { publish } from '../../src/ops/publish.ts';
import { unpublish } from '../../src/ops/unpublish.ts';
import { createMemoryBackend } from '../../src/store/memory/backend.ts';
import type { MemoryFault } from '../../src/store/memory/calls.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { steppingClock, admin, everything, spec } from './world.ts';

const SERVICES = ['a', 'b', 'c'] as const;
const ENTRIES = ['10.96.0.1:80', '10.96.0.2:80', '10.96.0.3:80', '10.96.0.4:53/udp'];
const ADDRESSES = ['10.0.1.1:80', '10.0.1.2:80', '10.0.1.3:80'];

const service = fc.constantFrom(...SERVICES);
const act = fc.oneof(
  fc.record({
    kind: fc.constant('publish' as const),
    service,
    entries: fc.subarray(ENTRIES, { minLength: 1 }),
    instances: fc.subarray(ADDRESSES),
    weight: fc.integer({ min: 0, max: 3 }),
  }),
  fc.record({ kind: fc.constant('unpublish' as const), service }),
  fc.record({
    kind: fc.constantFrom('add' as const, 'set' as const),
    service,
    address: fc.constantFrom(...ADDRESSES),
  }),
  fc.record({ kind: fc.constant('remove' as const), service, address: fc.constantFrom(...ADDRESSES) }),
);
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

const FAULTS: readonly (MemoryFault['kind'] & ('lose-answer' | 'lose-request' | 'unreachable'))[] = [
  'lose-answer',
  'lose-request',
  'unreachable',
];

async function perform(deps: WriteDeps, one: Act): Promise<unknown> {
  if (one.kind === 'publish') {
    const instances = one.instances.map((address) => `${address}=${one.weight}`).join(' ');
    return (await publish(deps, [spec(one.service, one.entries.join(' '), instances)])).error;
  }
  if (one.kind === 'unpublish') return (await unpublish(deps, [one.service])).error;
  const instances = [parseInstanceArgument(`${one.address}=2`)];
  const change =
    one.kind === 'remove' ? { kind: one.kind, addresses: instances } : { kind: one.kind, instances };
  return changeInstances(deps, { ...change, service: one.service });
}

/** A store whose answers take a number of turns each, so that writers overtake each other. */
function slowed(store: Store, turns: readonly number[]): Store {
  let calls = 0;
  const late = async <T>(answer: Promise<T>): Promise<T> => {
    const count = turns[(calls += 1) % turns.length] ?? 0;
    for (let turn = 0; turn < count; turn += 1) await Promise.resolve();
    return answer;
  };
  return {
    ...store,
    get: (...args) => late(store.get(...args)),
    list: (...args) => late(store.list(...args)),
  };
}

/** What must hold of every store that only admins wrote to. */
async function check(store: Store): Promise<void> {
  const { snapshot, invalid } = await readCluster(store);
  expect(invalid).toEqual([]);
  const all = await everything(store);
  const claims = [...all.values()]
    .filter(({ key }) => key.startsWith('entry/'))
    .map(({ key, value }) => `${key.slice(6)} ${value}`);
  const wanted = [...snapshot.services.values()].flatMap(({ value }) =>
    value.entries.map((entry) => `${formatEntry(entry)} {"service":"${value.name}"}`),
  );
  expect(claims.toSorted()).toEqual(wanted.toSorted());
  for (const [name, instances] of snapshot.instances) {
    const own = snapshot.services.get(name)?.modRevision ?? 0;
    expect(instances.every(({ modRevision }) => modRevision <= own)).toBe(true);
  }
}

describe('admins who write at random, at once and over a bad line', () => {
  it('never leave a claim without its service, an entry without its claim or an instance alone', async () => {
    const fault = fc.option(fc.constantFrom(...FAULTS), { nil: undefined, freq: 4 });
    const anyTurns = fc.array(fc.constantFrom(0, 0, 20, 100), { minLength: 5, maxLength: 20 });
    const step = fc.record({
      turns: anyTurns,
      acts: fc.array(act, { minLength: 1, maxLength: 3 }),
      faults: fc.array(fault, { maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        const clock = { ...steppingClock(), sleep: () => Promise.resolve() };
        const backend = createMemoryBackend(clock);
        const faults = steps.flatMap((one) => one.faults);
        const store = createMemoryStore({
          backend,
          clock,
          fault: (call) => {
            const kind = call === 'transact' ? faults.shift() : undefined;
            return kind === undefined ? undefined : { kind };
          },
        });
        const seen = createMemoryStore({ backend });
        for (const [round, { acts, turns }] of steps.entries()) {
          const results = await Promise.allSettled(
            acts.map((one, index) =>
              perform(admin(slowed(store, turns), `a${index}-${round}`, { clock }), one),
            ),
          );
          for (const result of results) {
            expect(result.status === 'rejected' && !(result.reason instanceof SluiceError)).toBe(false);
          }
          await check(seen);
        }
      }),
      { seed: 20_260_103, numRuns: 100 },
    );
  }, 60_000);
});
