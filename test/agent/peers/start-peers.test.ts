import { describe, expect, it } from 'vitest';
import { startPeers } from '../../../src/agent/peers/start-peers.ts';
import type { Away } from '../../../src/health/without-away.ts';
import type { Knocked } from '../../../src/host/knock.ts';
import { type Address, formatAddress } from '../../../src/model/address.ts';
import type { Reaches } from '../../../src/model/node.ts';
import { encodeNode, encodeNodeAlive } from '../../../src/model/records-node.ts';
import { nodeAliveKey, nodeKey } from '../../../src/store/keys.ts';
import type { KeyValue } from '../../../src/store/store.ts';
import { silentLog } from '../../harness/log.ts';
import { createVirtualClock } from '../../harness/virtual-clock.ts';
import { listed, snapshotOf } from '../../health/snapshots.ts';

const AT = '2026-01-01T00:00:00.000Z';
const facts = (name: string, ip: string) => ({
  name,
  addresses: [ip],
  cpus: 1,
  memoryBytes: 1,
  version: '1',
  kernel: '6',
  dataplane: 'iptables-nft',
  startedAt: AT,
});

/** One agent, `n1`, among others that are only said to be there. */
function openWorld(reached: readonly string[] = []) {
  const clock = createVirtualClock();
  const items = new Map<string, KeyValue>();
  const answers = new Map<string, Knocked>();
  const asked: string[] = [];
  const said: Reaches[] = [];
  const remembered: string[] = [];
  const aways: Away[] = [];
  let snapshot = snapshotOf([]);
  const peers = startPeers({
    node: 'n1',
    clock,
    log: silentLog,
    knock: async (place: Address) => {
      const text = formatAddress(place);
      asked.push(text);
      const answer = answers.get(text) ?? 'silent';
      if (answer === 'silent') await clock.sleep(1_000);
      return answer;
    },
    snapshot: () => snapshot,
    setAway: (away) => aways.push(away),
    reached,
    remember: (lines) => remembered.push(lines.join()),
    say: (reaches) => said.push(reaches),
  });
  const put = (key: string, value: string): void => {
    const item = { key, value, createRevision: 1, modRevision: 1, version: 1, lease: undefined };
    items.set(key, item);
    peers.changed([key], items, false);
  };
  return {
    clock,
    answers,
    asked,
    said,
    remembered,
    peers,
    away: (): readonly string[] => [...(aways.at(-1)?.nodes ?? [])],
    ips: (): readonly string[] => [...(aways.at(-1)?.ips ?? [])],
    serve: (instances: readonly ReturnType<typeof listed>[]): void => {
      snapshot = snapshotOf(instances);
    },
    node: (name: string, ip: string): void => put(nodeKey(name), encodeNode(facts(name, ip))),
    marker: (name: string, reaches?: Reaches): void =>
      put(nodeAliveKey(name), encodeNodeAlive({ name, since: AT, reaches })),
    silence: (name: string): void => {
      items.delete(nodeAliveKey(name));
      peers.changed([nodeAliveKey(name)], items, false);
    },
  };
}

/** `n1` and `n2` on two machines, each of which answers. */
async function openPair() {
  const world = openWorld();
  world.answers.set('10.0.0.2:9', 'answered');
  for (const [name, ip] of [
    ['n1', '10.0.0.1'],
    ['n2', '10.0.0.2'],
  ] as const) {
    world.node(name, ip);
    world.marker(name);
  }
  await world.clock.advance(5_000);
  return world;
}

describe('an agent that asks other nodes for signs of life', () => {
  it('says once who answers, and within two seconds that it does not any more, and again at once that it does', async () => {
    const world = await openPair();
    expect(world.said).toEqual([{ n2: true }]);
    world.answers.delete('10.0.0.2:9');
    await world.clock.advance(2_200);
    expect(world.said).toEqual([{ n2: true }, { n2: false }]);
    world.answers.set('10.0.0.2:9', 'answered');
    await world.clock.advance(600);
    expect(world.said.at(-1)).toEqual({ n2: true });
    const before = world.asked.length;
    await world.clock.advance(10_000);
    expect(world.asked.length - before).toBeLessThanOrEqual(21);
    expect(world.said).toHaveLength(3);
    world.peers.close();
  });

  it('asks one that drops all else at its instances, and says nothing of it when those are gone', async () => {
    const world = openWorld();
    world.serve([listed('a', '10.0.0.2', 8080)]);
    world.answers.set('10.0.0.2:8080', 'answered');
    world.node('n2', '10.0.0.2');
    world.marker('n1');
    world.marker('n2');
    await world.clock.advance(5_000);
    expect(world.said).toEqual([{ n2: true }]);
    world.serve([]);
    world.answers.delete('10.0.0.2:8080');
    await world.clock.advance(30_000);
    expect(world.said.at(-1)).toEqual({});
    expect(world.said.flatMap((one) => Object.values(one))).not.toContain(false);
    world.peers.close();
  });

  it('says of one that answered an agent before it that it is out of reach, and of no other', async () => {
    const world = openWorld(['n2 10.0.0.2', 'n3 10.0.0.33']);
    for (const name of ['n1', 'n2', 'n3']) world.node(name, `10.0.0.${name.slice(1)}`);
    world.marker('n1');
    await world.clock.advance(3_000);
    expect(world.said).toEqual([{ n2: false }]);
    expect(world.remembered.at(-1)).toBe('n2 10.0.0.2');
    world.peers.close();
  });

  it('says nothing while its own questions do not leave', async () => {
    const world = await openPair();
    world.answers.set('10.0.0.2:9', 'unsent');
    await world.clock.advance(20_000);
    expect(world.said.flatMap((one) => Object.values(one))).not.toContain(false);
    world.peers.close();
  });
});

describe('what an agent makes of what others say', () => {
  it('is that a node is out of reach here without any leader, and back with its agent, and never this one', async () => {
    const world = openWorld();
    for (const index of [1, 2, 3, 4, 5]) {
      world.node(`n${index}`, `10.0.0.${index}`);
      world.marker(`n${index}`);
    }
    const no = { n1: false, n5: false };
    world.marker('n2', no);
    expect(world.away()).toEqual([]);
    world.marker('n3', no);
    expect([world.away(), world.ips()]).toEqual([['n5'], ['10.0.0.5']]);
    world.silence('n5');
    world.marker('n2', { n5: true });
    world.marker('n3', { n5: true });
    expect(world.away()).toEqual(['n5']);
    world.marker('n5');
    expect(world.away()).toEqual([]);
    await world.clock.advance(1);
    world.peers.close();
  });

  it('is that a machine whose agent does not come back gets connections a minute after it answers', async () => {
    const world = openWorld();
    for (const index of [1, 2, 3, 4, 5]) world.node(`n${index}`, `10.0.0.${index}`);
    for (const index of [1, 2, 3, 4]) world.marker(`n${index}`, index > 2 ? { n5: false } : {});
    expect(world.away()).toEqual(['n5']);
    world.marker('n3', { n5: true });
    await world.clock.advance(59_000);
    expect(world.away()).toEqual(['n5']);
    await world.clock.advance(2_000);
    expect(world.away()).toEqual([]);
    world.peers.close();
  });

  it('is nothing for an address that a node within reach has too', async () => {
    const world = openWorld();
    for (const name of ['n1', 'n2', 'n3', 'n4']) {
      world.node(name, name === 'n4' ? '10.0.0.3' : `10.0.0.${name.slice(1)}`);
      world.marker(name);
    }
    world.marker('n2', { n4: false });
    world.marker('n3', { n4: false });
    expect([world.away(), world.ips()]).toEqual([['n4'], []]);
    await world.clock.advance(1);
    world.peers.close();
  });

  it('is nothing when leases end, and what was out of reach stays so', async () => {
    const world = openWorld();
    for (const index of [1, 2, 3, 4, 5]) {
      world.node(`n${index}`, `10.0.0.${index}`);
      world.marker(`n${index}`, index > 1 && index < 4 ? { n5: false, n4: true } : {});
    }
    expect(world.away()).toEqual(['n5']);
    for (const name of ['n5', 'n2', 'n3', 'n4']) world.silence(name);
    expect(world.away()).toEqual(['n5']);
    await world.clock.advance(1);
    world.peers.close();
  });
});
