import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitUntil } from '../../src/host/wait.ts';
import { decodeLeader } from '../../src/model/records-leader.ts';
import { LEADER_KEY } from '../../src/store/keys.ts';
import { addressOf, type LoadWorld, openLoadWorld } from './harness/load-world.ts';
import { type Before, findings, publishEverywhere, removedSince } from './harness/node-faults.ts';
import { useLab } from './harness/use-lab.ts';

describe('five nodes', { timeout: 150_000 }, () => {
  const lab = useLab({ nodes: 5, etcd: 1 });
  let world: LoadWorld;
  let before: Before;
  beforeAll(async () => {
    world = await openLoadWorld(lab(), 1, ['--lost-after', '5s']);
    before = await publishEverywhere(world, lab());
  });
  afterAll(async () => {
    await world?.close();
  });

  /** Waits until the leader says why nothing follows from silence, or that something does again. */
  const protection = async (wanted: 'why' | undefined): Promise<void> => {
    await waitUntil(
      async () => {
        const { item } = await world.control.store.get(LEADER_KEY);
        return (
          item !== undefined &&
          (decodeLeader(item.value).value.protection === undefined) === (wanted === undefined)
        );
      },
      { what: `self-preservation: ${wanted ?? 'ended'}`, timeoutMs: 40_000, everyMs: 250 },
    );
  };

  it('keep all instances when the leases of two end at once, and status says why and what ends it', async () => {
    const two = world.agents.slice(3);
    for (const agent of two) agent.signal('SIGSTOP');
    await protection('why');
    const said = (await findings(world)).join('\n');
    expect(said).toContain('2 of 5 nodes fell silent together (n4, n5)');
    expect(said).toContain('this ends with fewer than 2 of them silent');
    expect(said).toMatch(/node-silent node\/n5: .*its machine answers n\d/);
    expect(await removedSince(before, { world, lab: lab(), nodes: [1, 2, 3] })).toBe(0);
    for (const agent of two) agent.signal('SIGCONT');
    await protection(undefined);
    expect(await removedSince(before, { world, lab: lab(), nodes: [1, 2, 3, 4, 5] })).toBe(0);
  });

  it('let go of one that loses its power without failing a connection, and start elsewhere what it ran', async () => {
    const dead = before.instances.find(({ node }) => node === 'n4');
    const load = await world.load(40);
    await lab().powerOff(4);
    const others = [1, 2, 3, 5].map((node) => lab().node(node));
    const address = dead === undefined ? '' : addressOf(dead);
    await waitUntil(
      async () => {
        const rules = await Promise.all(others.map(async (node) => await world.forwarded(node)));
        return rules.every((addresses) => !addresses.includes(address) && addresses.length > 0);
      },
      { what: 'rules without the dead node', timeoutMs: 20_000, everyMs: 250 },
    );
    // Before anything that goes by its lease, and so without the leader.
    expect((await world.instances()).map(({ id }) => id)).toContain(dead?.id);
    expect((await findings(world)).join('\n')).toMatch(/node\/n4: .*no connections to its instances/);
    await waitUntil(
      async () => {
        const all = await world.instances();
        const ready = all.filter(({ state, node }) => state === 'ready' && node !== 'n4');
        return ready.length === 5 && all.length === 5;
      },
      { what: 'five instances on four nodes', timeoutMs: 60_000, everyMs: 250 },
    );
    const results = await load.stop();
    expect(results.flatMap(({ failures }) => failures)).toEqual([]);
    for (const { attempts, outcomes } of results) expect(outcomes.ok).toBe(attempts);
  });
});
