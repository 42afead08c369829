import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ipEntryRoutes } from '../../src/dataplane/ip-routes.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { openNetns, type Netns } from '../harness/netns.ts';

const FACTS = { nodeIpv4: '10.0.0.1', nodeIpv6: 'fd01::1' };

describe('routes to entries in a kernel', () => {
  let netns: Netns;
  beforeEach(async () => {
    netns = await openNetns();
    await netns.script('ip addr add 10.0.0.1/32 dev lo; ip -6 addr add fd01::1/64 dev lo nodad');
    // The kernel makes the route to an IPv6 address of its own a moment later.
    await waitUntil(async () => (await netns.script('ip -6 route show table local')).includes('fd01::1'), {
      what: 'the local route of fd01::1',
      timeoutMs: 10_000,
    });
  });
  afterEach(async () => netns.close());

  it('make the node reach entries from its own address, in both families', async () => {
    const routes = ipEntryRoutes(netns.exec);
    expect(await routes.apply(['10.96.0.1', 'fd00::10'], FACTS)).toEqual({ changed: 2, failures: [] });
    expect(await netns.script('ip route get 10.96.0.1')).toContain('10.96.0.1 dev sluice0 src 10.0.0.1');
    expect(await netns.script('ip -6 route get fd00::10')).toContain('src fd01::1');
    expect(await routes.apply(['10.96.0.1', 'fd00::10'], FACTS)).toEqual({ changed: 0, failures: [] });
  });

  it('are found again by another process, and only they are removed', async () => {
    await netns.script('ip route add local 10.96.0.77/32 dev lo');
    const before = await netns.script('ip route show table local; ip -6 route show table local');
    await ipEntryRoutes(netns.exec).apply(['10.96.0.1', 'fd00::10'], FACTS);
    const other = ipEntryRoutes(netns.exec);
    await other.adopt();
    expect(await other.apply(['10.96.0.1', '10.96.0.2'], FACTS)).toEqual({ changed: 2, failures: [] });
    expect(await other.dump()).toHaveLength(2);
    await ipEntryRoutes(netns.exec).cleanup();
    expect(await netns.script('ip route show table local; ip -6 route show table local')).toBe(before);
  });

  it('follow the node to another address without a moment without them', async () => {
    await netns.script('ip addr add 10.0.0.2/32 dev lo');
    const routes = ipEntryRoutes(netns.exec);
    await routes.apply(['10.96.0.1', 'fd00::10'], FACTS);
    expect(await routes.apply(['10.96.0.1', 'fd00::10'], { ...FACTS, nodeIpv4: '10.0.0.2' })).toEqual({
      changed: 1,
      failures: [],
    });
    expect(await netns.script('ip route get 10.96.0.1')).toContain('src 10.0.0.2');
  });

  it('are not made over an address that the node got since, and the rest is made', async () => {
    const routes = ipEntryRoutes(netns.exec);
    await routes.adopt();
    await netns.script('ip addr add 10.96.0.5/32 dev lo; ip -6 addr add fd00::5/128 dev lo nodad');
    const answer = await routes.apply(['10.96.0.5', '10.96.0.6', 'fd00::5'], FACTS);
    expect(answer).toEqual({
      changed: 1,
      failures: ['10.96.0.5', 'fd00::5'].map(
        (ip) => `no route to entry ${ip}: it is an address of this node itself`,
      ),
    });
    expect(await routes.dump()).toHaveLength(1);
  });

  it('tell what the kernel said to a source that the node does not have, and are tried again', async () => {
    const routes = ipEntryRoutes(netns.exec);
    const facts = { nodeIpv4: '10.0.0.9' };
    const answer = await routes.apply(['10.96.0.1'], facts);
    expect(answer.changed).toBe(0);
    expect(answer.failures).toEqual([expect.stringMatching(/^no route to entry 10\.96\.0\.1: .*prefsrc/)]);
    await netns.script('ip addr add 10.0.0.9/32 dev lo');
    expect(await routes.apply(['10.96.0.1'], facts)).toEqual({ changed: 1, failures: [] });
  });

  it('are local ones where the kernel has no such device, and move when it has', async () => {
    const without = ipEntryRoutes(async (file, args, options) =>
      netns.exec(file, args.includes('add') && args.includes('type') ? ['no', 'such'] : args, options),
    );
    expect(await without.apply(['10.96.0.1', 'fd00::10'], FACTS)).toEqual({ changed: 2, failures: [] });
    expect(await netns.script('ip route get 10.96.0.1')).toContain('local 10.96.0.1 dev lo src 10.0.0.1');
    expect(await without.apply(['10.96.0.1', 'fd00::10'], FACTS)).toEqual({ changed: 0, failures: [] });
    const routes = ipEntryRoutes(netns.exec);
    await routes.adopt();
    expect(await routes.apply(['10.96.0.1', 'fd00::10'], FACTS)).toEqual({ changed: 2, failures: [] });
    expect(await netns.script('ip route get 10.96.0.1; ip -6 route get fd00::10')).not.toContain(' lo ');
    expect(await routes.dump()).toHaveLength(2);
  });

  it('are there again after somebody deleted the device', async () => {
    const routes = ipEntryRoutes(netns.exec);
    await routes.apply(['10.96.0.1', 'fd00::10'], FACTS);
    await netns.script('ip link del sluice0');
    await routes.adopt();
    expect(await routes.apply(['10.96.0.1', 'fd00::10'], FACTS)).toEqual({ changed: 2, failures: [] });
    await routes.cleanup();
    expect(await netns.script('ip link')).not.toContain('sluice0');
  });
});
