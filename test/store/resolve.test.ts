import { describe, expect, it } from 'vitest';
import { createMemoryBackend } from '../../src/store/memory/backend.ts';
import type { MemoryFault } from '../../src/store/memory/calls.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import { TOMBSTONE } from '../../src/store/resolve.ts';
import type { Transaction } from '../../src/store/store.ts';
import { createVirtualClock, settle, type VirtualClock } from '../harness/virtual-clock.ts';

const REQUEST: Transaction = {
  compares: [{ kind: 'mod-revision', key: 'service/a', equals: 0 }],
  operations: [
    { kind: 'put', key: 'service/a', value: '1' },
    { kind: 'put', key: 'audit/r1', value: '{"request":"r1"}' },
  ],
  requestKey: 'audit/r1',
};

/** A store whose transactions meet these faults one after the other. */
function createWorld(faults: (MemoryFault | undefined)[]) {
  const clock = createVirtualClock();
  const backend = createMemoryBackend(clock);
  const store = createMemoryStore({
    clock,
    backend,
    fault: (call) => (call === 'transact' ? faults.shift() : undefined),
  });
  const value = (key: string): string | undefined => backend.history.find(key)?.value;
  return { clock, backend, store, value };
}

/** Lets time pass until the promise is settled. */
async function within<T>(clock: VirtualClock, promise: Promise<T>): Promise<T | Error> {
  const settled = promise.catch((error: unknown) =>
    error instanceof Error ? error : new Error(String(error)),
  );
  await clock.advance(10_000);
  return settled;
}

describe('a write whose answer is lost', () => {
  it('is refused by a tombstone if it arrives after it was given up, and done once by the second try', async () => {
    const arriving = new AbortController();
    const arrives = new Promise<void>((resolve) => {
      arriving.signal.addEventListener('abort', () => resolve());
    });
    const { clock, backend, store, value } = createWorld([{ kind: 'late', arrives }]);
    const result = await within(clock, store.transact(REQUEST));
    expect(result).toMatchObject({ kind: 'done' });
    const head = backend.history.head();
    arriving.abort();
    await settle();
    expect(backend.history.head()).toBe(head);
    expect(value('service/a')).toBe('1');
    expect(backend.history.find('service/a')?.version).toBe(1);
  });

  it('is refused also if it arrives between the tombstone and the second try', async () => {
    const { clock, backend, store } = createWorld([
      { kind: 'late', arrives: Promise.resolve().then(() => settle()) },
      undefined,
      { kind: 'lose-request' },
    ]);
    const result = await within(clock, store.transact(REQUEST));
    expect(result).toMatchObject({ code: 'unavailable', details: { written: false } });
    expect(backend.history.find('service/a')).toBeUndefined();
  });

  it('is given up as not written after two lost requests, and leaves its tombstone', async () => {
    const { clock, store, value } = createWorld([
      { kind: 'lose-request' },
      undefined,
      { kind: 'lose-request' },
    ]);
    const result = await within(clock, store.transact(REQUEST));
    expect(result).toMatchObject({ code: 'unavailable', details: { written: false } });
    expect(value('service/a')).toBeUndefined();
    expect(value('audit/r1')).toBe(TOMBSTONE);
  });

  it('is found though the answers of finding out are lost too', async () => {
    const lost: MemoryFault = { kind: 'lose-answer' };
    const done = createWorld([lost, lost, { kind: 'lose-request' }]);
    const result = await within(done.clock, done.store.transact(REQUEST));
    expect(result).toEqual({ kind: 'done', revision: done.backend.history.find('service/a')?.modRevision });
    const absent = createWorld([{ kind: 'lose-request' }, lost, lost]);
    expect(await within(absent.clock, absent.store.transact(REQUEST))).toMatchObject({ kind: 'done' });
    expect(absent.backend.history.find('service/a')?.version).toBe(1);
  });

  it('is done, if the second try was done and its answer lost', async () => {
    const { clock, backend, store } = createWorld([
      { kind: 'lose-request' },
      undefined,
      { kind: 'lose-answer' },
    ]);
    const result = await within(clock, store.transact(REQUEST));
    expect(result).toEqual({ kind: 'done', revision: backend.history.find('service/a')?.modRevision });
  });

  it('is a conflict if what it compares has changed before the second try', async () => {
    const { clock, backend, store, value } = createWorld([{ kind: 'lose-request' }]);
    const pending = within(clock, store.transact(REQUEST));
    backend.transact({ compares: [], operations: [{ kind: 'put', key: 'service/a', value: 'theirs' }] });
    expect(await pending).toMatchObject({ kind: 'conflict' });
    expect(value('service/a')).toBe('theirs');
  });

  it('is unknown if nobody answers any more, and says which record would tell', async () => {
    const gone: MemoryFault = { kind: 'unreachable' };
    const { clock, store } = createWorld([
      { kind: 'lose-answer' },
      ...Array.from({ length: 200 }, () => gone),
    ]);
    const result = await within(clock, store.transact(REQUEST));
    expect(result).toMatchObject({ code: 'unknown', details: { requestKey: 'audit/r1' } });
  });
});
