/** Owns measuring both layouts at 10,000 services of 5 instances: full load, one weight changed, looking again; and 10,000 updates under connections. */
import { expect, it } from 'vitest';
import type { Dataplane } from '../../src/dataplane/dataplane.ts';
import { openIptables } from '../../src/dataplane/iptables/iptables.ts';
import { restoreByExec } from '../../src/dataplane/iptables/nat-table.ts';
import { openPipe } from '../../src/host/pipe.ts';
import { openNftables } from '../../src/dataplane/nftables/nftables.ts';
import type { Exec } from '../../src/host/exec.ts';
import { leanExec } from '../../src/host/lean-exec.ts';
import type { EntryRules, Ruleset } from '../../src/rules/ruleset.ts';
import { webRules } from '../contract/dataplane-suite.ts';
import { startInstances, startStream, totals } from '../contract/traffic.ts';
import { openNetns, type Netns } from '../harness/netns.ts';
import { type Figure, recordFigures } from './figures.ts';
import { median } from './paired.ts';

const SERVICES = Number(process.env['LAYOUT_SERVICES'] ?? 10_000);
const UPDATES = Number(process.env['LAYOUT_UPDATES'] ?? 10_000);
const CHANGES = 15;
const NODE = { nodeIpv4: '10.0.0.1' };

const weightsOf = (n: number): readonly number[] => [1, 2, 7, 4, 1 + n];
const service = (at: number, n = 0): EntryRules =>
  webRules(`10.${96 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}:80`, weightsOf(n));

/** A plane in a namespace whose programs' time and last input are kept. */
interface Timed {
  readonly plane: Dataplane;
  readonly netns: Netns;
  /** Sends the last transaction again, by a program started for it: the bare transaction. */
  readonly bare: () => Promise<void>;
}

const inside = (netns: Netns): Exec => {
  const [file, args] = netns.argv('', []);
  return async (program, more, options) => leanExec(file, [...args.slice(0, -1), program, ...more], options);
};

async function openTimed(layout: 'iptables-nft' | 'nftables'): Promise<Timed> {
  const netns = await openNetns();
  await netns.script(
    'ip addr add 10.0.0.1/32 dev lo; for i in 1 2 3 4 5; do ip addr add 10.200.0.$i/32 dev lo; done',
  );
  const exec = inside(netns);
  if (layout === 'nftables') {
    let last = '';
    const plane = openNftables({
      exec,
      node: 'n1',
      openPipe: (file, args, env) => {
        const pipe = openPipe(...netns.argv(file, args), env);
        return {
          ...pipe,
          write: (text) => {
            [last = ''] = text.split('\n');
            pipe.write(text);
          },
        };
      },
    });
    return { plane, netns, bare: async () => void (await exec('nft', ['--', last])) };
  }
  let last: readonly [string, string] = ['', ''];
  const plane = await openIptables(exec, async (program, text) => {
    last = [program, text];
    return restoreByExec(exec)(program, text);
  });
  return { plane, netns, bare: async () => void (await restoreByExec(exec)(...last)) };
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await act();
  return performance.now() - started;
}

const ms = (value: number): string => `${Math.round(value)} ms`;

async function measure(
  layout: 'iptables-nft' | 'nftables',
  targets: { readonly load: number; readonly change: number },
): Promise<readonly Figure[]> {
  const { plane, netns, bare } = await openTimed(layout);
  try {
    const entries = Array.from({ length: SERVICES }, (_, at) => service(at));
    // Without routes first: 10,000 of them take longer than the rules.
    const loadMs = await timed(() => plane.apply({ entries }, {}));
    await plane.apply({ entries }, NODE);
    const whole: number[] = [];
    const alone: number[] = [];
    for (let n = 1; n <= CHANGES; n += 1) {
      const ruleset: Ruleset = { entries: entries.with(n * 7, service(n * 7, n)) };
      whole.push(await timed(() => plane.apply(ruleset, NODE)));
      alone.push(await timed(bare));
    }
    const batch: Ruleset = {
      entries: entries.map((rules, at) => (at % (SERVICES / 100) === 0 ? service(at, 99) : rules)),
    };
    const batchMs = await timed(() => plane.apply(batch, NODE));
    const adoptMs = await timed(() => plane.adopt());
    const name = `${layout}, ${SERVICES} × 5`;
    const ratio = median(whole) / median(alone);
    return [
      {
        what: `${name}: full load`,
        measured: ms(loadMs),
        target: `≤ ${targets.load} ms`,
        met: loadMs <= targets.load,
      },
      {
        what: `${name}: one weight changed, bare transaction`,
        measured: ms(median(alone)),
        target: `≤ ${targets.change} ms`,
        met: median(alone) <= targets.change,
      },
      {
        what: `${name}: the same through apply`,
        measured: `${ms(median(whole))} (${ratio.toFixed(2)} ×)`,
        target: '≤ 1.3 ×',
        met: ratio <= 1.3,
      },
      {
        what: `${name}: 100 services in one batch ÷ one`,
        measured: (batchMs / median(whole)).toFixed(2),
        target: '≤ 1.5',
        met: batchMs <= 1.5 * median(whole),
      },
      { what: `${name}: looking again (adopt)`, measured: ms(adoptMs), target: '', met: true },
    ];
  } finally {
    await netns.close();
  }
}

async function hammer(layout: 'iptables-nft' | 'nftables'): Promise<Figure> {
  const { plane, netns } = await openTimed(layout);
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

it('measures the layouts', { timeout: 900_000 }, async () => {
  const figures = [
    ...(await measure('iptables-nft', { load: 5_000, change: 110 })),
    ...(await measure('nftables', { load: 2_200, change: 90 })),
    await hammer('nftables'),
    await hammer('iptables-nft'),
  ];
  expect(recordFigures('Layouts', figures)).toEqual([]);
});
