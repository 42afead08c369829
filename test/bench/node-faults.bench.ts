/** Measures that nothing healthy is removed by faults that only look like deaths: leases that end at once, lost packets, a monitor cut off from the store. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/host/clock.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { type LoadWorld, openLoadWorld } from '../cluster/harness/load-world.ts';
import { type Before, findings, publishEverywhere, removedSince } from '../cluster/harness/node-faults.ts';
import { useLab } from '../cluster/harness/use-lab.ts';
import { type Figure, recordFigures } from './figures.ts';

/** Shorter, to try something out. */
const SECONDS = Number(process.env['FAULT_SECONDS'] ?? 120);
/** Of the packets at each node's port and way: 19 % of those between two nodes. */
const LOSS_PERCENT = 10;
const NODES = [1, 2, 3, 4, 5];

/** A figure of instances that must all be there. */
const kept = (what: string, removed: number): Figure => ({
  what: `${what}: healthy instances of 5 removed from the store, or at any look (every 2 s) from the rules of any node`,
  measured: String(removed),
  target: '0',
  met: removed === 0,
});

describe('five nodes under faults that are no deaths', { timeout: 230_000 }, () => {
  const lab = useLab({ nodes: 5, etcd: 1 });
  const figures: Figure[] = [];
  let world: LoadWorld;
  let before: Before;
  beforeAll(async () => {
    world = await openLoadWorld(lab(), 3, ['--lost-after', '15s']);
    before = await publishEverywhere(world, lab());
  });
  afterAll(async () => {
    await world?.close();
    // Together, so that what was measured at one time stands together.
    if (figures.length > 0) recordFigures('Faults that are no deaths', figures);
  });

  /** The most that were away at any look. */
  const watch = async (forMs: number): Promise<number> => {
    let most = 0;
    const until = Date.now() + forMs;
    while (Date.now() < until) {
      most = Math.max(most, await removedSince(before, { world, lab: lab(), nodes: NODES }));
      await systemClock.sleep(2_000);
    }
    return most;
  };

  it('keep everything when every fifth packet is lost', async () => {
    for (const node of NODES) await lab().loss(node, LOSS_PERCENT);
    const removed = await watch(SECONDS * 1_000);
    await lab().heal();
    figures.push(kept(`19 % of packets between any two nodes lost for ${SECONDS} s`, removed));
    expect(removed).toBe(0);
  });

  it('keep everything when the leader is cut off from the store', async () => {
    const leads = world.monitors.findIndex((monitor) =>
      / leads .*\n(?![^]* leads no longer)/.test(monitor.stderr()),
    );
    // The store is on node 1: its own monitor cannot be cut off from it but by stopping; others are cut by the network.
    const node = Math.max(2, leads + 1);
    await lab().cut(node, 1);
    const removed = await watch((SECONDS / 3) * 1_000);
    await lab().heal();
    figures.push(kept(`a node with its monitor cut off from etcd for ${SECONDS / 3} s`, removed));
    expect(removed).toBe(0);
  });

  it('keep everything when the leases of two of five nodes end at once, and status says why', async () => {
    const isWell = async (): Promise<boolean> => !(await findings(world)).join().includes('node-silent');
    await waitUntil(isWell, { what: 'all agents to be back', timeoutMs: 40_000, everyMs: 1_000 });
    const two = world.agents.slice(3);
    for (const agent of two) agent.signal('SIGSTOP');
    let said = '';
    const isSaid = async (): Promise<boolean> => {
      said = (await findings(world)).find((line) => line.startsWith('self-preservation')) ?? '';
      return said !== '';
    };
    await waitUntil(isSaid, { what: 'self-preservation in status', timeoutMs: 40_000, everyMs: 1_000 });
    // Stopped agents change no rules: those of the others count, and the store.
    const removed = await watch((SECONDS / 3) * 1_000);
    for (const agent of two) agent.signal('SIGCONT');
    figures.push(
      kept(`leases of 40 % of the nodes ended at once, silent for ${SECONDS / 3} s more`, removed),
    );
    figures.push({
      what: 'the same: `status`',
      measured: said,
      target: 'says why',
      met: said.includes('n4, n5'),
    });
    expect(removed).toBe(0);
  });
});
