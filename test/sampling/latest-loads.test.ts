import { describe, expect, it } from 'vitest';
import { encodeLoad, type NodeLoad } from '../../src/model/load.ts';
import { followLoads } from '../../src/sampling/latest-loads.ts';
import { loadKey } from '../../src/store/keys.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import { createVirtualClock } from '../harness/virtual-clock.ts';

const load = (node: string, at: number): NodeLoad => ({
  node,
  at,
  cores: 2,
  instances: {},
  newConnections: {},
});

function createWorld() {
  const clock = createVirtualClock();
  const store = createMemoryStore({ clock });
  let changes = 0;
  const follow = () => followLoads({ store, clock, random: () => 0, onChange: () => void (changes += 1) });
  const put = async (node: string, value: string): Promise<void> => {
    await store.transact({ compares: [], operations: [{ kind: 'put', key: loadKey(node), value }] });
    await clock.advance(10);
  };
  return { clock, store, follow, put, changes: () => changes };
}

describe('the latest samples', () => {
  it('have the age since they were seen to change, whatever the clocks of their nodes say', async () => {
    const { clock, follow, put, changes } = createWorld();
    const loads = follow();
    await clock.advance(100);
    await put('n2', encodeLoad(load('n2', 0)));
    await put('n1', encodeLoad(load('n1', 9_999_999_999_999)));
    await clock.advance(3_000);
    const found = loads.loads();
    expect([...found.keys()]).toEqual(['n1', 'n2']);
    expect(found.get('n1')?.ageMs).toBe(3_010);
    expect(found.get('n2')?.ageMs).toBe(3_020);
    expect(changes()).toBeGreaterThanOrEqual(2);
    await loads.close();
  });

  it('count as old as a lease lets them be when they come with a listing', async () => {
    const { clock, follow, put } = createWorld();
    await put('n1', encodeLoad(load('n1', 1)));
    const loads = follow();
    await clock.advance(100);
    expect(loads.loads().get('n1')?.ageMs).toBeGreaterThanOrEqual(10_000);
    await put('n1', encodeLoad(load('n1', 2)));
    expect(loads.loads().get('n1')?.ageMs).toBeLessThan(100);
    await loads.close();
  });

  it('grow old when the same sample is written again', async () => {
    const { clock, follow, put } = createWorld();
    const loads = follow();
    await clock.advance(100);
    await put('n1', encodeLoad(load('n1', 1)));
    await clock.advance(5_000);
    await put('n1', encodeLoad(load('n1', 1)));
    expect(loads.loads().get('n1')?.ageMs).toBeGreaterThan(5_000);
    await loads.close();
  });

  it('are gone with their keys, and with what cannot be read', async () => {
    const { clock, store, follow, put } = createWorld();
    const loads = follow();
    await clock.advance(100);
    await put('n1', encodeLoad(load('n1', 1)));
    await put('n2', encodeLoad(load('n2', 1)));
    await put('n1', '{"node":"n1","cpu":7}');
    await store.transact({ compares: [], operations: [{ kind: 'delete', key: loadKey('n2') }] });
    await clock.advance(10);
    expect([...loads.loads().keys()]).toEqual([]);
    expect([...loads.invalid().keys()]).toEqual(['n1']);
    await put('n1', encodeLoad(load('n1', 2)));
    expect([...loads.invalid().keys()]).toEqual([]);
    await loads.close();
  });
});
