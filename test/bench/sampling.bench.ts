/**
 * Owns measuring the sampling loop: 100 instances, each a process of its own with a port, 1,000 established connections through the rules of a real
 * agent, both layouts; what a process that samples and follows samples takes, and what the parts of a sample cost.
 */
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Child } from '../../src/dev/child.ts';
import { systemClock } from '../../src/host/clock.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { decodeLoad, type NodeLoad } from '../../src/model/load.ts';
import { publish } from '../../src/ops/publish.ts';
import { parseProcess } from '../../src/sampling/parse/process.ts';
import { loadKey } from '../../src/store/keys.ts';
import { assertNone, type LabStore, openLabStore, specOf, startAgent } from '../cluster/harness/control.ts';
import { useLab } from '../cluster/harness/use-lab.ts';
import { recordFigures } from './figures.ts';
import { cpuMs, familyOf, rssMb } from './process-use.ts';
import type { PartCosts, SamplerOrder } from './sampler.ts';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const SAMPLER = path.join(ROOT, '.cache/test-bin/sampler.mjs');
const SECONDS = Number(process.env['SAMPLING_SECONDS'] ?? 30);
const SERVICES = 10;
const INSTANCES = 100;
const CONNECTIONS = 1_000;

/** IP: starts a process for each port, in a session of its own, and prints their lines of /proc/PID/stat. */
const SERVERS = `use POSIX 'setsid'; use IO::Socket::INET; $| = 1; my $ip = shift;
  for my $at (0 .. ${INSTANCES - 1}) { next if fork; setsid();
    my $l = IO::Socket::INET->new(LocalAddr => $ip, LocalPort => 20000 + $at, Listen => 128) or die "port: $!";
    open my $f, '<', '/proc/self/stat'; print scalar <$f>; my @c; while (my $c = $l->accept) { push @c, $c } exit; } sleep;`;

/** COUNT ENTRY-IP...: holds connections to the entries in turn, and says when all are there. */
const CLIENT = `use IO::Socket::INET; $| = 1; my ($count, @ips) = @ARGV; my @c;
  push @c, IO::Socket::INET->new(PeerAddr => $ips[$_ % @ips], PeerPort => 80) || die "connect: $!" for 1 .. $count; print "held\\n"; sleep;`;

const entryIp = (at: number): string => `10.96.0.${at + 1}`;

const connectionsIn = (load: NodeLoad | undefined): number =>
  Object.values(load?.instances ?? {}).reduce((sum, { connections = 0 }) => sum + connections, 0);

const partsOf = async (sampler: Child): Promise<PartCosts> => {
  sampler.signal('SIGUSR2');
  const [, json = ''] = await sampler.waitForOutput(/^parts (.*)$/m, 60_000);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the sampler writes it
  return JSON.parse(json) as PartCosts;
};

describe('sampling a node', () => {
  const lab = useLab({ nodes: 1, etcd: 1 });
  let control: LabStore;
  let order: SamplerOrder;

  beforeAll(async () => {
    await mkdir(path.dirname(SAMPLER), { recursive: true });
    await build({
      entryPoints: [path.join(ROOT, 'test/bench/sampler.ts')],
      outfile: SAMPLER,
      bundle: true,
      packages: 'external',
      format: 'esm',
      platform: 'node',
      target: 'node20.19',
    });
    control = await openLabStore(lab());
    const node = lab().node(1);
    const servers = await node.start(['perl', '-e', SERVERS, node.address]);
    const lines = await waitUntil(
      () => {
        const all = servers.stdout().split('\n').slice(0, -1);
        return all.length === INSTANCES && all;
      },
      { what: 'all instances to listen', timeoutMs: 60_000, everyMs: 50, facts: servers.stderr },
    );
    const specs = Array.from({ length: SERVICES }, (_, service) =>
      specOf(
        `s${service}`,
        `${entryIp(service)}:80`,
        Array.from(
          { length: INSTANCES / SERVICES },
          (__, at) => `${node.address}:${20_000 + service * 10 + at}`,
        ),
      ),
    );
    assertNone((await publish(control.deps, specs)).failures);
    const leaders = lines.flatMap((line) => parseProcess(line) ?? []);
    const running = specs
      .flatMap(({ name, instances }) => instances.map(({ ip, port }) => `${name}/${ip}:${port}`))
      .map((name, at) => [name, { run: String(at), leader: leaders[at] }] as const);
    order = { node: node.name, endpoints: lab().etcd().endpoints, running: Object.fromEntries(running) };
    await writeFile(path.join(node.folder, 'order.json'), JSON.stringify(order));
  });
  afterAll(async () => {
    await control.close();
  });

  const stored = async (): Promise<NodeLoad | undefined> => {
    const { item } = await control.store.get(loadKey(order.node));
    return item && decodeLoad(order.node, item.value).value;
  };

  it.each(['nftables', 'iptables'] as const)('with %s', { timeout: 200_000 }, async (layout) => {
    const node = lab().node(1);
    const agent = await startAgent(lab(), node, { dataplane: layout });
    await waitUntil(() => agent.stderr().includes('rules applied'), {
      what: 'rules',
      timeoutMs: 30_000,
      facts: agent.stderr,
    });
    const entries = Array.from({ length: SERVICES }, (_, at) => entryIp(at));
    const client = await node.start(['perl', '-e', CLIENT, String(CONNECTIONS), ...entries]);
    await client.waitForOutput(/held/, 60_000);
    const sampler = await node.start([process.execPath, SAMPLER, path.join(node.folder, 'order.json')]);
    const load = await waitUntil(
      async () => {
        const found = await stored();
        return (
          connectionsIn(found) === CONNECTIONS &&
          Object.keys(found?.newConnections ?? {}).length === INSTANCES &&
          found
        );
      },
      { what: 'whole samples', timeoutMs: 60_000, everyMs: 500, facts: sampler.stderr },
    );
    expect(Object.values(load.instances).every(({ cpu }) => cpu !== undefined)).toBe(true);
    await systemClock.sleep(10_000);
    const before = cpuMs(sampler.pid);
    await systemClock.sleep(SECONDS * 1_000);
    const share = (cpuMs(sampler.pid) - before) / (SECONDS * 10);
    const rss = rssMb(sampler.pid);
    const helpers = familyOf(sampler.pid).filter((pid) => pid !== sampler.pid);
    const helping = helpers.reduce((sum, pid) => sum + rssMb(pid), 0);
    const costs = await partsOf(sampler);
    await Promise.all([sampler.stop('SIGTERM'), client.stop(), agent.stop('SIGTERM')]);
    const rows = Object.entries(costs).map(
      ([part, { wallMs, cpuMs: own }]) => `| ${part} | ${wallMs.toFixed(1)} | ${own.toFixed(1)} |`,
    );
    const table = ['| part | ms | of it own processor time |', '| --- | --- | --- |', ...rows, ''].join('\n');
    const [busy = '?'] = readFileSync('/proc/loadavg', 'utf8').split(' ');
    const missed = recordFigures(
      `Sampling: ${layout}, ${INSTANCES} instances, ${CONNECTIONS} connections`,
      [
        {
          what: `processor of the loop, with everything it started, over ${SECONDS} s (load of the machine: ${busy})`,
          measured: `${share.toFixed(2)} % of a core`,
          target: '≤ 2 %',
          met: share <= 2,
        },
        {
          what: 'memory (RSS) of a process that samples, publishes, and follows the samples of all; of the program that it keeps',
          measured: `${rss.toFixed(0)} MB; ${helping.toFixed(0)} MB`,
          target: '≤ 90 MB',
          met: rss <= 90,
        },
      ],
      `Medians in that process:\n\n${table}`,
    );
    expect(missed).toEqual([]);
  });
});
