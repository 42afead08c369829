import { describe, expect, it } from 'vitest';
import type { Log } from '../../src/host/log.ts';
import { decodeLoad } from '../../src/model/load.ts';
import { startSampling } from '../../src/sampling/run.ts';
import { loadKey, LOADS } from '../../src/store/keys.ts';
import { createMemoryStore, type MemoryFault } from '../../src/store/memory/memory.ts';
import { createNodeWorld } from './world.ts';

/** The loop on a store in memory that fails as told. */
function createWorld() {
  const node = createNodeWorld();
  const { clock } = node;
  const fault: { now: MemoryFault | undefined } = { now: undefined };
  const store = createMemoryStore({ clock, fault: () => fault.now });
  const warnings: string[] = [];
  const log: Log = {
    debug: () => {},
    info: () => {},
    warn: (message) => void warnings.push(message),
    error: (message) => void warnings.push(message),
  };
  const sampling = startSampling({ store, deps: node.deps, log });
  const stored = async () => {
    fault.now = undefined;
    return (await store.get(loadKey('n1'))).item;
  };
  return { ...node, store, fault, warnings, sampling, stored };
}

describe('the loop', () => {
  it('publishes a sample every two seconds under a lease, and takes it away when it is closed', async () => {
    const { clock, stored, sampling, store, asked } = createWorld();
    await clock.advance(100);
    const first = await stored();
    await clock.advance(20_000);
    const item = await stored();
    expect(item?.version).toBe(11);
    expect(item?.lease).toBe(first?.lease);
    expect(decodeLoad('n1', item?.value ?? '').value.at).toBe(Date.parse('2026-01-01T00:00:20Z'));
    const closing = sampling.close();
    await clock.advance(1_500);
    await closing;
    expect((await store.list(LOADS)).items).toEqual([]);
    expect(asked.closed).toBe(1);
  });

  it('samples nothing while the store is away, and goes on with a new lease, having said so once each', async () => {
    const { clock, stored, fault, asked, warnings, sampling } = createWorld();
    await clock.advance(4_500);
    fault.now = { kind: 'unreachable' };
    await clock.advance(20_000);
    const before = asked.sockets;
    await clock.advance(60_000);
    expect(asked.sockets).toBe(before);
    const item = await stored();
    expect(item).toBeUndefined();
    await clock.advance(8_000);
    expect((await stored())?.version).toBeGreaterThan(1);
    expect(warnings).toEqual(['samples cannot be written', 'samples are not published']);
    void sampling.close();
    await clock.advance(1_500);
  });

  it('skips the beats that a slow sample takes', async () => {
    const { clock, deps, stored, sampling, asked } = createWorld();
    let busy = 0;
    const { count } = deps.sockets;
    Object.assign(deps.sockets, {
      count: async (ports: Parameters<typeof count>[0]) => {
        busy += 1;
        await clock.sleep(5_000);
        return count(ports);
      },
    });
    await clock.advance(60_500);
    expect(busy).toBeLessThanOrEqual(11);
    expect(asked.sockets).toBeGreaterThanOrEqual(9);
    expect((await stored())?.version).toBeGreaterThanOrEqual(9);
    void sampling.close();
    await clock.advance(10_000);
  });
});
