/**
 * Owns what tests of announced entries start from: a lab with etcd and the instance on node 1, agents on nodes 2 and 3, and node 4 as a
 * neighbour without agent or route, that asks for the entry by ARP and ND only.
 */
import { expect } from 'vitest';
import type { Child } from '../../src/dev/child.ts';
import type { Workplace } from '../../src/dev/machine.ts';
import { type Answering, openAnswering } from '../../src/dataplane/answering.ts';
import { systemClock } from '../../src/host/clock.ts';
import { openPipe } from '../../src/host/pipe.ts';
import { waitUntil } from '../../src/host/wait.ts';
import type { Lab } from './harness/lab.ts';
import { type LabStore, startAgent } from './harness/control.ts';
import { publish } from '../../src/ops/publish.ts';
import { waitConverged } from '../../src/ops/converge.ts';

/** Addresses of the entry in the nodes' own network. */
export const ENTRY = { v4: '10.77.0.100', v6: 'fd77::100' } as const;
export const IPS: readonly string[] = [ENTRY.v4, ENTRY.v6];

/** Publishes the service, announced, in both families and protocols. */
export async function publishAnnounced(lab: Lab, control: LabStore): Promise<void> {
  const { address, address6 } = lab.node(1);
  const report = await publish(control.deps, [
    {
      name: 'web',
      entries: IPS.flatMap((ip) => [
        { ip, port: 80, protocol: 'tcp' as const },
        { ip, port: 80, protocol: 'udp' as const },
      ]),
      instances: [address, address6].map((ip) => ({ ip, port: 8080, weight: 1 })),
      masquerade: true,
      announce: true,
    },
  ]);
  expect(report.failures).toEqual([]);
  const { outcome } = await waitConverged(control.deps, report.revision, { timeoutMs: 30_000 });
  expect(outcome).toBe('converged');
}

/** One agent of each layout. */
export const startAgentOf = async (lab: Lab, i: number, wait = true): Promise<Child> =>
  startAgent(lab, lab.node(i), { wait, dataplane: i === 3 ? 'nftables' : 'iptables' });

/** Agents of the nodes 2 and 3, by number. */
export async function startAgents(lab: Lab): Promise<Map<number, Child>> {
  const agents = new Map<number, Child>();
  for (const i of [2, 3]) agents.set(i, await startAgentOf(lab, i));
  return agents;
}

/** Number of the node that holds both addresses by the claims in the store; both must be its own. */
export async function holderOf({ store }: LabStore, ip: string): Promise<number | undefined> {
  const { item } = await store.get(`holder/${ip}`);
  return item === undefined ? undefined : Number(/"node":"n(\d+)"/.exec(item.value)?.[1]);
}

/** Waits until the address is held by a node that is not (or is) one. */
export async function waitHolder(
  control: LabStore,
  ip: string,
  is: (node: number) => boolean = () => true,
): Promise<number> {
  return await waitUntil(
    async () => {
      const node = await holderOf(control, ip);
      return node !== undefined && is(node) ? node : undefined;
    },
    { what: `a holder of ${ip}`, timeoutMs: 25_000 },
  );
}

/** Hardware address of a machine's link. */
export async function macOf(machine: Workplace): Promise<string> {
  const { stdout } = await machine.run(['ip', '-o', 'link', 'show', 'eth0']);
  return / link\/ether (\S+)/.exec(stdout)?.[1] ?? '';
}

/** What the client's kernel remembers of an address. */
export async function remembered(client: Workplace, ip: string): Promise<string | undefined> {
  const { stdout } = await client.run(['ip', 'neigh', 'show', ip, 'dev', 'eth0']);
  return / lladdr (\S+)/.exec(stdout)?.[1];
}

/** Everybody who answers the client's kernel when it asks for an address, by hardware address. */
export async function answerersOf(client: Workplace, ip: string): Promise<readonly string[]> {
  const heard = new Set<string>();
  const answering: Answering = openAnswering({
    openPipe: (program, programArgs, env) => {
      const [file = '', ...args] = client.ns.enter([program, ...programArgs]);
      return openPipe(file, args, env);
    },
    clock: systemClock,
    onHeard: (_ip, mac) => void heard.add(mac),
    onState: () => {},
  });
  try {
    await waitUntil(() => answering.state().kind === 'ready', { what: 'the listener', timeoutMs: 10_000 });
    answering.set(new Map([[ip, { link: 'eth0', mode: 'watch' as const }]]));
    for (let round = 0; round < 3; round += 1) {
      await client.run(['ip', 'neigh', 'del', ip, 'dev', 'eth0']);
      await client.run(['ip', 'neigh', 'replace', ip, 'dev', 'eth0', 'use']);
      // A second answer to a question comes before the answer to the next one.
      await waitUntil(async () => (await remembered(client, ip)) !== undefined, {
        what: `an answer for ${ip}`,
        timeoutMs: 5_000,
      });
    }
    return [...heard].toSorted();
  } finally {
    answering.close();
  }
}
