import { describe, expect, it } from 'vitest';
import { publish } from '../../src/ops/publish.ts';
import { createMemoryBackend } from '../../src/store/memory/backend.ts';
import type { MemoryCall, MemoryFault } from '../../src/store/memory/calls.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import { systemClock } from '../../src/host/clock.ts';
import { admin, everything, failure, spec, trail, world } from './world.ts';

const ENTRY = '10.96.0.10:80/tcp';

/** A store whose transactions go wrong as told, one after the other; then all is well. Sleeping takes no time. */
function faulty(
  faults: readonly (MemoryFault['kind'] & ('lose-request' | 'lose-answer' | 'unreachable' | 'hang'))[],
  of: MemoryCall = 'transact',
) {
  const backend = createMemoryBackend(systemClock);
  let next = 0;
  const fault = (call: MemoryCall): MemoryFault | undefined => {
    const kind = call === of ? faults[next++] : undefined;
    return kind === undefined ? undefined : { kind };
  };
  let nowMs = 0;
  const sleep = async (ms: number): Promise<void> => {
    nowMs += ms;
    await Promise.resolve();
  };
  const clock = { ...systemClock, monotonicMs: () => nowMs, sleep };
  return { deps: admin(createMemoryStore({ backend, fault, clock })), seen: createMemoryStore({ backend }) };
}

describe('a lost answer', () => {
  it('of a write that was done is found out, and reported as done', async () => {
    const { deps, seen } = faulty(['lose-answer']);
    const report = await publish(deps, [spec('web', ENTRY)]);
    expect(report.error).toBeUndefined();
    expect((await everything(seen)).get('service/web')?.modRevision).toBe(report.revision);
    expect(await trail(seen)).toHaveLength(1);
  });

  it('of a write that was not done is found out, and the write is done once', async () => {
    const { deps, seen } = faulty(['lose-request']);
    const report = await publish(deps, [spec('web', ENTRY)]);
    expect(report.error).toBeUndefined();
    expect((await everything(seen)).get('service/web')?.version).toBe(1);
  });

  it('that cannot be found out ends as unknown, names the service, and stops the command', async () => {
    const { deps } = faulty(Array.from({ length: 100_000 }, () => 'hang' as const));
    const specs = [spec('web', ENTRY), spec('api', '10.96.0.11:80')];
    const report = await publish(deps, specs);
    expect(report.failures).toMatchObject([
      { service: 'web', error: { code: 'unknown', details: { service: 'web' } } },
    ]);
    expect(report.notTried).toEqual(['api']);
    expect(report.error?.code).toBe('unknown');
  });
});

describe('an unreachable store', () => {
  it('fails before anything is written', async () => {
    const { deps, seen } = faulty(['unreachable'], 'get');
    expect((await failure(publish(deps, [spec('web', ENTRY)]))).code).toBe('unavailable');
    expect((await everything(seen)).size).toBe(0);
  });

  it('between two services stops, and says what is written', async () => {
    const backend = createMemoryBackend(systemClock);
    let writes = 0;
    const fault = (call: MemoryCall): MemoryFault | undefined =>
      call === 'transact' && ++writes > 1 ? { kind: 'unreachable' } : undefined;
    const specs = [spec('web', ENTRY), spec('api', '10.96.0.11:80'), spec('old', '10.96.0.12:80')];
    const report = await publish(admin(createMemoryStore({ backend, fault })), specs);
    expect(report.results.map(({ service }) => service)).toEqual(['web']);
    expect(report.error).toMatchObject({
      code: 'failed',
      message: '1 of 3 services are as asked for',
      details: { written: ['web'], failed: [{ service: 'api', code: 'unavailable' }], notTried: ['old'] },
    });
  });
});

describe('one failing service of several', () => {
  it('does not stop the others when it lost its entry to somebody else', async () => {
    const { store, ann, bob } = world();
    const specs = [spec('web', ENTRY), spec('api', '10.96.0.11:80')];
    let taken = false;
    const report = await publish(
      {
        ...bob,
        store: {
          ...store,
          transact: async (...args) => {
            if (!taken) await publish(ann, [spec('thief', ENTRY)]);
            taken = true;
            return store.transact(...args);
          },
        },
      },
      specs,
    );
    expect(report.results.map(({ service }) => service)).toEqual(['api']);
    expect(report.error).toMatchObject({
      code: 'failed',
      details: { written: ['api'], failed: [{ service: 'web', code: 'conflict' }], notTried: [] },
    });
  });
});
