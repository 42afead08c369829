import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitUntil } from '../../src/host/wait.ts';
import {
  disturb,
  type Holder,
  type HealWorld,
  startHealWorld,
  startHolder,
  STRANGERS,
} from './harness/heal-world.ts';
import { useLab } from './harness/use-lab.ts';

/** What well-known programs do to the tables when they start, stop or reload, written from what they are known to do. */
const PROGRAMS: Readonly<Record<string, string>> = {
  docker: `iptables-nft -t nat -N DOCKER; iptables-nft -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
    iptables-nft -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
    iptables-nft -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
    iptables-nft -t nat -A DOCKER -i docker0 -j RETURN; iptables-nft -N DOCKER-USER; iptables-nft -A DOCKER-USER -j RETURN
    iptables-nft -I FORWARD -j DOCKER-USER; iptables-nft -P FORWARD DROP`,
  'kube-proxy': `printf '%s\\n' '*nat' ':KUBE-SERVICES - [0:0]' ':KUBE-POSTROUTING - [0:0]' ':KUBE-SVC-A - [0:0]' ':KUBE-SEP-A - [0:0]' \\
    '-A KUBE-SERVICES -d 10.43.0.1/32 -p tcp -m tcp --dport 443 -j KUBE-SVC-A' '-A KUBE-SVC-A -j KUBE-SEP-A' \\
    '-A KUBE-SEP-A -p tcp -m tcp -j DNAT --to-destination 10.77.0.2:6443' COMMIT | iptables-nft-restore --noflush
    iptables-nft -t nat -I PREROUTING -j KUBE-SERVICES; iptables-nft -t nat -I OUTPUT -j KUBE-SERVICES
    iptables-nft -t nat -I POSTROUTING -j KUBE-POSTROUTING`,
  ufw: `printf '%s\\n' '*filter' ':ufw-before-input - [0:0]' ':ufw-user-input - [0:0]' '-A ufw-before-input -i lo -j ACCEPT' \\
    '-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT' '-A ufw-before-input -j ufw-user-input' \\
    '-A INPUT -j ufw-before-input' COMMIT | iptables-nft-restore --noflush`,
  firewalld: `printf '%s\\n' 'add table inet firewalld' 'delete table inet firewalld' 'table inet firewalld {' \\
    'chain nat_PREROUTING { type nat hook prerouting priority -90; policy accept; }' \\
    'chain filter_INPUT { type filter hook input priority 10; policy accept; ct state { established, related } accept; ct status dnat accept; iifname lo accept; }' \\
    '}' | sed 's/; }/\\n}/' | nft -f -`,
};

/** What takes ours away: reloads and restarts, and people. */
const DESTRUCTIVE: Readonly<Record<string, string>> = {
  ...STRANGERS,
  'restart of nftables.service': 'nft flush ruleset; nft add table inet filter',
  'reload of a firewall that rebuilds all iptables tables':
    'for t in nat filter; do iptables-nft -t $t -F; iptables-nft -t $t -X 2>/dev/null || true; done; iptables-nft -P FORWARD ACCEPT',
  'nft delete table ip nat': 'nft delete table ip nat',
  'guard deleted': 'nft delete table inet sluice_guard',
  'guard emptied': 'nft flush chain inet sluice_guard entries',
  'route deleted': 'ip route del 10.96.0.0/32 table local',
  'device deleted': 'ip link del sluice0',
};

/** What 20 connections look like of which none was lost. */
const NONE_LOST = { lost: 0, held: 20 };

/** Does a script under 20 connections that are held, and waits until all is back; how they fared. */
async function heldDuring(
  world: HealWorld,
  script: string,
  whole: string,
): Promise<Awaited<ReturnType<Holder['goesOn']>>> {
  const holder = await startHolder(world.node, 20);
  await disturb(world, script, whole);
  const report = await holder.goesOn();
  await holder.stop();
  return report;
}

describe('a node whose tables others change', () => {
  const lab = useLab({ nodes: 2, etcd: 1 });
  let world: HealWorld;
  let whole: string;

  beforeAll(async () => {
    world = await startHealWorld(lab(), 10);
    whole = await world.ours();
  });
  afterAll(async () => {
    await world.close();
  });

  it.each(Object.entries(PROGRAMS))(
    'goes on forwarding beside %s, and leaves its rules as they are',
    async (_name, script) => {
      const foreign = async (): Promise<string> =>
        (await world.script('iptables-nft-save; nft list tables'))
          .split('\n')
          .filter((line) => !/SLUICE|sluice|^#|^:/.test(line))
          .join('\n');
      await world.script(script);
      const before = await foreign();
      const holder = await startHolder(world.node, 5);
      await world.script('iptables-nft -t nat -D OUTPUT -j SLUICE-ENTRIES');
      await waitUntil(async () => (await world.script('iptables-nft -t nat -S OUTPUT')).includes('SLUICE'), {
        what: 'the jump to come back',
        timeoutMs: 20_000,
      });
      expect((await holder.report()).lost).toBe(0);
      await holder.stop();
      expect(await foreign()).toBe(before);
      await disturb(world, 'nft flush ruleset', whole);
    },
  );

  it.each(Object.entries(DESTRUCTIVE))(
    'is whole again after: %s; no established connection is lost',
    async (_name, script) => {
      expect(await heldDuring(world, script, whole)).toMatchObject(NONE_LOST);
    },
  );

  it('repairs nothing where others changed nothing of ours', async () => {
    const count = (): number => world.agent.stderr().split('repaired what another').length;
    const before = count();
    await world.script(
      'iptables-nft -t nat -N NOTHING; iptables-nft -t nat -X NOTHING; nft add table inet nothing; nft delete table inet nothing',
    );
    // Commits are told in their order: when this one is repaired, those before have been looked at.
    await disturb(world, 'iptables-nft -t nat -D OUTPUT -j SLUICE-ENTRIES', whole);
    expect(count()).toBe(before + 1);
  });
});

/** What takes ours away in the nftables layout. */
const DESTRUCTIVE_NFTABLES: Readonly<Record<string, string>> = {
  'nft flush ruleset': 'nft flush ruleset',
  'table deleted': 'nft delete table ip sluice',
  'chain emptied': 'nft flush chain ip sluice output',
  'entry taken out of the map': "nft delete element ip sluice entries '{ 10.96.0.0 . tcp . 80 }'",
  'guard deleted': 'nft delete table inet sluice_guard',
  'route deleted': 'ip route del 10.96.0.0/32 table local',
};

describe('a node with the nftables layout whose tables others change', () => {
  const lab = useLab({ nodes: 2, etcd: 1 });
  let world: HealWorld;
  let whole: string;

  beforeAll(async () => {
    world = await startHealWorld(lab(), 10, { dataplane: 'nftables' });
    whole = await world.ours();
    if (!/10\.96\.0\.0 \. (?:tcp|6) \. 80 : goto/.test(whole)) throw new Error(`not nftables: ${whole}`);
  });
  afterAll(async () => {
    await world.close();
  });

  it.each(Object.entries(DESTRUCTIVE_NFTABLES))(
    'is whole again after: %s; no established connection is lost',
    async (_name, script) => {
      expect(await heldDuring(world, script, whole)).toMatchObject(NONE_LOST);
    },
  );
});

describe('a node that is not told of changes', () => {
  const lab = useLab({ nodes: 2, etcd: 1 });
  let world: HealWorld;
  let whole: string;

  beforeAll(async () => {
    const folder = path.join(lab().node(1).folder, 'without-perl');
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, 'perl'), '#!/bin/sh\necho no perl here >&2\nexit 1\n', { mode: 0o755 });
    world = await startHealWorld(lab(), 10, {
      env: [`PATH=${folder}:${process.env['PATH']}`],
      says: 'not notified of changes by other programs, looking every few seconds instead why="no perl here"',
    });
    whole = await world.ours();
  });
  afterAll(async () => {
    await world.close();
  });

  it('looks every few seconds, and is whole again', async () => {
    expect(await heldDuring(world, STRANGERS['iptables -t nat -F'] ?? '', whole)).toMatchObject(NONE_LOST);
  });
});
