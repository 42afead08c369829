/** Owns counting what 10,000 updates do to connections, in both layouts. How fast layouts are is measured in dataplane/. */
import { expect, it } from 'vitest';
import type { Dataplane } from '../../src/dataplane/dataplane.ts';
import { openIptables } from '../../src/dataplane/iptables/iptables.ts';
import { openPipe } from '../../src/host/pipe.ts';
import { openNftables } from '../../src/dataplane/nftables/nftables.ts';
import type { Exec } from '../../src/host/exec.ts';
import { leanExec } from '../../src/host/lean-exec.ts';
import type { EntryRules } from '../../src/rules/ruleset.ts';
import { webRules } from '../contract/dataplane-suite.ts';
import { startInstances, startStream, totals } from '../contract/traffic.ts';
import { openNetns, type Netns } from '../harness/netns.ts';
import { type Figure, recordFigures } from './figures.ts';

const UPDATES = Number(process.env['LAYOUT_UPDATES'] ?? 10_000);
const NODE = { nodeIpv4: '10.0.0.1' };

const weightsOf = (n: number): readonly number[] => [1, 2, 7, 4, 1 + n];
const service = (at: number, n = 0): EntryRules =>
  webRules(`10.${96 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}:80`, weightsOf(n));

const inside = (netns: Netns): Exec => {
  const [file, args] = netns.argv('', []);
  return async (program, more, options) => leanExec(file, [...args.slice(0, -1), program, ...more], options);
};

async function openPlane(layout: 'iptables-nft' | 'nftables', netns: Netns): Promise<Dataplane> {
  await netns.script(
    'ip addr add 10.0.0.1/32 dev lo; for i in 1 2 3 4 5; do ip addr add 10.200.0.$i/32 dev lo; done',
  );
  const exec = inside(netns);
  if (layout === 'iptables-nft') return await openIptables(exec);
  return openNftables({
    exec,
    node: 'n1',
    openPipe: (file, args, env) => openPipe(...netns.argv(file, args), env),
  });
}

async function hammer(layout: 'iptables-nft' | 'nftables'): Promise<Figure> {
  const netns = await openNetns();
  const plane = await openPlane(layout, netns);
  const instances = await startInstances(
    netns,
    [1, 2, 3, 4, 5].map((at) => `10.200.0.${at}`),
  );
  try {
    const others = Array.from({ length: 100 }, (_, at) => service(at + 1));
    await plane.apply({ entries: [service(0), ...others] }, NODE);
    const stream = startStream(netns, ['10.96.0.0', 80], { perSecond: 700 });
    const started = performance.now();
    for (let n = 1; n <= UPDATES; n += 1)
      await plane.apply({ entries: [service(0, n % 50), ...others] }, NODE);
    const seconds = (performance.now() - started) / 1000;
    const { all, failed } = totals(await stream.stop());
    return {
      what: `${layout}: ${UPDATES} updates in ${Math.round(seconds)} s under ${Math.round(all / seconds)} connections/s`,
      measured: `${failed} of ${all} failed`,
      target: '0',
      met: failed === 0,
    };
  } finally {
    instances.close();
    await netns.close();
  }
}

it('loses no connection while rules change', { timeout: 900_000 }, async () => {
  const figures = [await hammer('nftables'), await hammer('iptables-nft')];
  expect(recordFigures('Updates under connections', figures)).toEqual([]);
});
