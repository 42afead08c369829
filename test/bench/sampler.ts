/**
 * Owns the process that the benchmark of sampling measures: it samples a node and follows the samples of all, as a monitor does, and nothing
 * else. Argument: a file with SamplerOrder. At SIGUSR2 it prints what the parts of a sample cost, as one line `parts JSON`.
 */
import { readFileSync } from 'node:fs';
import { systemClock } from '../../src/host/clock.ts';
import { createLog } from '../../src/host/log.ts';
import { preferSmall } from '../../src/host/memory.ts';
import { expectRest } from '../../src/host/resting.ts';
import { encodeLoad } from '../../src/model/load.ts';
import { followLoads } from '../../src/sampling/latest-loads.ts';
import type { Running } from '../../src/sampling/local-instance.ts';
import { localInstances } from '../../src/sampling/local-instance.ts';
import { openSampling } from '../../src/sampling/open.ts';
import { ownersOf, ratesBetween } from '../../src/sampling/rates.ts';
import { startSampling } from '../../src/sampling/run.ts';
import { type Sampled, sampleNode } from '../../src/sampling/sample-node.ts';
import { createSnapshotCopy } from '../../src/sampling/snapshot-copy.ts';
import { readInstanceUse, readNodeUse } from '../../src/sampling/use-reading.ts';
import { startInformer } from '../../src/store/informer.ts';
import { AGENT_RANGE } from '../../src/store/keys.ts';
import { openStore } from '../../src/store/open.ts';

/** What it is told. */
export interface SamplerOrder {
  readonly node: string;
  readonly endpoints: string;
  /** Of instances, by `SERVICE/ID`. */
  readonly running: Readonly<Record<string, Running>>;
}

/** Median milliseconds of a part: by the clock, and of this process's own processor time. */
export type PartCosts = Readonly<Record<string, { readonly wallMs: number; readonly cpuMs: number }>>;

const ROUNDS = 15;
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the benchmark writes it
const order = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as SamplerOrder;
preferSmall();
expectRest();
const clock = systemClock;
const log = createLog({
  format: 'text',
  debug: false,
  write: (line) => process.stderr.write(line),
  isTty: false,
  journald: false,
  now: clock.now,
});
const store = await openStore({ endpoints: [order.endpoints] });
const copy = createSnapshotCopy();
const running = new Map(Object.entries(order.running));
const open = () =>
  openSampling({
    node: order.node,
    snapshot: copy.snapshot,
    running: () => running,
    clock,
  });
const informer = startInformer({
  store,
  range: AGENT_RANGE,
  clock,
  random: Math.random,
  onChange: (change) => copy.change(change, informer.items),
});
followLoads({ store, clock, random: Math.random });
await informer.synced(10_000);
startSampling({ store, deps: open(), log });
process.stdout.write('sampling\n');

const middle = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

async function costOf(part: () => unknown): Promise<PartCosts[string]> {
  const [wall, cpu]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    const [from, used] = [clock.monotonicMs(), process.cpuUsage()];
    await part();
    wall.push(clock.monotonicMs() - from);
    const { user, system } = process.cpuUsage(used);
    cpu.push((user + system) / 1_000);
  }
  return { wallMs: middle(wall), cpuMs: middle(cpu) };
}

async function parts(): Promise<PartCosts> {
  const deps = open();
  const snapshot = copy.snapshot();
  if (snapshot === undefined) throw new Error('nothing was listed');
  const place = { node: order.node, addresses: new Set(deps.addresses()), running };
  const instances = localInstances(snapshot, place);
  const counted = async () => deps.counting.read(['ipv4']);
  const reading = { monotonicMs: 0, ...(await counted()) };
  let sampled: Sampled | undefined;
  const costs = {
    'which instances are here': await costOf(() => localInstances(snapshot, place)),
    'processor, pressure, memory, load of the node': await costOf(() => readNodeUse(deps.files)),
    'use of instances': await costOf(() => readInstanceUse(deps, instances)),
    'connections and queues': await costOf(() => deps.sockets.count({ lowest: 20_000, highest: 20_099 })),
    'counters of rules': await costOf(counted),
    'rates from counters': await costOf(() => {
      if (reading.layout === undefined || reading.counts === undefined) return;
      const { layout, counts } = reading;
      const before = { monotonicMs: 0, layout, counts };
      ratesBetween(before, { ...before, monotonicMs: 2_000 }, ownersOf(snapshot));
    }),
    'a whole sample': await costOf(async () => {
      sampled = await sampleNode(deps, sampled && { ...sampled, counted: { ...sampled.counted, dueMs: 0 } });
    }),
    'its record as text': await costOf(() => sampled && encodeLoad(sampled.load)),
  };
  deps.close();
  return costs;
}

process.on('SIGUSR2', () => {
  void parts().then((costs) => process.stdout.write(`parts ${JSON.stringify(costs)}\n`));
});
