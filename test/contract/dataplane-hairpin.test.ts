import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { Dataplane } from '../../src/dataplane/dataplane.ts';
import { openIptables } from '../../src/dataplane/iptables/iptables.ts';
import { isMachineRoot, openNetns, type Netns } from '../harness/netns.ts';
import { rulesetFrom } from '../rules/arbitrary.ts';
import { webRules } from './dataplane-suite.ts';
import { openNftablesIn } from './nft-kernel.ts';

const NODE = { nodeIpv4: '10.200.0.254', nodeIpv6: 'fd99::fe' };

/** Answers every connection with the address that it came from; prints `ready` when it listens. */
const SERVER = `require('node:net').createServer((socket) => socket.end(socket.remoteAddress))
  .listen(8080, '::', () => console.log('ready'))`;
/** Prints the answer of ADDRESS, port 80, or the error, or `timeout` after so many ms. */
const CLIENT = `const socket = require('node:net').connect(80, process.argv[1]);
  socket.setTimeout(Number(process.argv[2]), () => socket.destroy(new Error('timeout')));
  socket.on('data', (data) => console.log(String(data))); socket.on('error', (error) => console.log(error.message))`;

/** A node, and behind a link of it the machine of the only instance, which calls its own entry. */
async function openPair(): Promise<{ readonly node: Netns; readonly machine: Netns }> {
  const node = await openNetns();
  const machine = await openNetns(node);
  await machine.script('for i in all default; do echo 0 > /proc/sys/net/ipv6/conf/$i/accept_dad; done');
  await node.script(`echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
    ip link add eth0 type veth peer name eth0 netns ${machine.pid}; ip addr add ${NODE.nodeIpv4}/24 dev eth0
    ip -6 addr add ${NODE.nodeIpv6}/64 dev eth0 nodad; ip link set eth0 up`);
  await machine.script(`ip addr add 10.200.0.1/24 dev eth0; ip -6 addr add fd99::1/64 dev eth0 nodad; ip link set eth0 up
    ip route add default via ${NODE.nodeIpv4}; ip -6 route add default via ${NODE.nodeIpv6}`);
  return { node, machine };
}

/** Opens a layout, and says how a stranger empties what masquerades. */
interface Opened {
  readonly plane: Dataplane;
  readonly empty: string;
}

async function openOn(node: Netns, layout: string): Promise<Opened> {
  if (layout === 'nftables') {
    const empty = 'nft flush chain ip sluice postrouting; nft flush chain ip6 sluice postrouting';
    return { plane: openNftablesIn(node), empty };
  }
  await node.script(`${layout} -A INPUT -i nothing0 -j ACCEPT`);
  const plane = await openIptables(node.exec);
  const empty = `${layout} -t nat -F SLUICE-POST; ${layout.replace('ip', 'ip6')} -t nat -F SLUICE-POST`;
  return { plane, empty };
}

describe.each(['iptables-nft', 'iptables-legacy', 'nftables'])(
  'an instance that calls its own entry through %s',
  (layout) => {
    it.skipIf(layout === 'iptables-legacy' && !isMachineRoot)(
      'is answered, from the address of the node, in both families (legacy needs root)',
      async () => {
        const { node, machine } = await openPair();
        const { plane, empty } = await openOn(node, layout);
        expect(plane.name).toBe(layout);
        const server = spawn(...machine.argv(process.execPath, ['-e', SERVER]), {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        try {
          await once(server.stdout, 'data');
          const ruleset = rulesetFrom([webRules('10.96.0.1:80', [1]), webRules('[fd00::10]:80', [1])]);
          expect(await plane.apply(ruleset, NODE)).toMatchObject({ failures: [] });
          const call = async (from: Netns, ip: string, timeoutMs = 20_000): Promise<string> =>
            (
              await from.exec(process.execPath, ['-e', CLIENT, ip, String(timeoutMs)], { timeoutMs: 40_000 })
            ).stdout.trim();
          expect(await call(machine, '10.96.0.1')).toBe(`::ffff:${NODE.nodeIpv4}`);
          expect(await call(machine, 'fd00::10')).toBe(NODE.nodeIpv6);
          expect(await call(node, '10.96.0.1')).toBe(`::ffff:${NODE.nodeIpv4}`);
          expect(await call(node, 'fd00::10')).toBe(NODE.nodeIpv6);
          await node.script(empty);
          expect(await call(machine, '10.96.0.1', 1000)).toBe('timeout');
          expect(await call(machine, 'fd00::10', 1000)).toBe('timeout');
        } finally {
          server.kill('SIGKILL');
          await Promise.all([node.close(), machine.close()]);
        }
      },
    );
  },
);
