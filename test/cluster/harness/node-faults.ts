/** Owns what tests and measurements of nodes under faults ask: is everything that is well still there, and what does `status` say. */
import { expect } from 'vitest';
import type { Instance } from '../../../src/model/service.ts';
import type { Lab } from './lab.ts';
import { addressOf, type LoadWorld } from './load-world.ts';

/** What was there before a fault. */
export interface Before {
  readonly instances: readonly Instance[];
}

/** Publishes one instance a node, each with `more` flags, and waits for them. */
export async function publishEverywhere(world: LoadWorld, lab: Lab): Promise<Before> {
  const count = lab.nodes.length;
  const published = await world.publish(0, ['--replicas', String(count), '--yes']);
  expect(published).toMatchObject({ exitCode: 0 });
  return { instances: await world.settled(count) };
}

/** Words of what `status` found. */
export async function findings(world: LoadWorld): Promise<readonly string[]> {
  const { stdout } = await world.run(['status', '-o', 'json']);
  const report: { items: readonly { findings: readonly { code: string; ref: string; text: string }[] }[] } =
    JSON.parse(stdout);
  return report.items
    .flatMap((item) => item.findings)
    .map(({ code, ref, text }) => `${code} ${ref}: ${text}`);
}

/** How many of the instances from before are gone from the store, or from the rules of one of these nodes. */
export async function removedSince(
  { instances }: Before,
  { world, lab, nodes }: { readonly world: LoadWorld; readonly lab: Lab; readonly nodes: readonly number[] },
): Promise<number> {
  const stored = new Set((await world.instances()).map(({ id }) => id));
  const rules = await Promise.all(nodes.map(async (node) => await world.forwarded(lab.node(node))));
  return instances.filter(
    (one) => !stored.has(one.id) || rules.some((addresses) => !addresses.includes(addressOf(one))),
  ).length;
}
