/** Owns the cells of the benchmark: each contender at each size, on a lane of its own, all of them up at the same time. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { conntrackOnly, direct, natHooked } from './plain.ts';
import type { Contender, Serving } from './contender.ts';
import { kubeProxyOnIptables, kubeProxyOnNftables } from './kube-proxy.ts';
import { LARGEST, SIZES, takesPart } from './options.ts';
import { haproxy, nginx, nginxStreamModule } from './proxies.ts';
import { type BenchService, benchServices, weightedService } from './services.ts';
import { sluice, type SluiceKind } from './sluice.ts';
import type { Lane, World } from './world.ts';

/** How clients reach a service. */
export type Kind = 'forwards' | 'translates' | 'terminates';

/** A contender that is up. */
export interface Cell {
  readonly contender: string;
  readonly kind: Kind;
  readonly size: number;
  /** Its one service of so many instances is what is measured; the services are not of interest. */
  readonly instances?: number | undefined;
  readonly services: readonly BenchService[];
  readonly lane: Lane;
  readonly serving: Serving;
}

/** Names of contenders; the layouts of Sluice are named by `sluiceName`. */
export const DIRECT = 'no conntrack (direct)';
export const CONNTRACK = 'conntrack, no NAT';
export const NAT_HOOKED = 'conntrack and NAT, no rule';
export const HAPROXY = 'HAProxy';
const NGINX = 'nginx stream';
export const LAYOUTS = ['iptables-nft', 'iptables-legacy', 'nftables'] as const;
export const UNGUARDED = 'Sluice iptables-nft without guard';
/** Instances of the service that has many. */
export const MANY_INSTANCES = 500;

/** Name of a layout of Sluice. */
export const sluiceName = (layout: SluiceKind['layout']): string => `Sluice ${layout}`;
/** Name of kube-proxy's layout on the same back end. */
export const kubeName = (layout: SluiceKind['layout']): string => `kube-proxy ${layout}`;

interface Entrant {
  readonly name: string;
  readonly kind: Kind;
  readonly contender: Contender;
}

/** Why IPVS is not among them. */
async function withoutIpvs(): Promise<string> {
  const modules = await readFile(`/lib/modules/${release()}/modules.dep`, 'utf8').catch(() => '');
  const isThere = existsSync('/proc/net/ip_vs') || modules.includes('/ip_vs.ko');
  return isThere ? 'IPVS: this kernel has it, this benchmark no rules for it' : 'IPVS: not in this kernel';
}

async function entrants(): Promise<{ readonly all: readonly Entrant[]; readonly left: readonly string[] }> {
  const module = await nginxStreamModule();
  const all: readonly Entrant[] = [
    ...LAYOUTS.map((layout): Entrant => ({
      name: sluiceName(layout),
      kind: 'translates',
      contender: sluice({ layout }),
    })),
    { name: kubeName('iptables-nft'), kind: 'translates', contender: kubeProxyOnIptables('nft') },
    { name: kubeName('iptables-legacy'), kind: 'translates', contender: kubeProxyOnIptables('legacy') },
    { name: kubeName('nftables'), kind: 'translates', contender: kubeProxyOnNftables },
    { name: HAPROXY, kind: 'terminates', contender: haproxy },
    ...(module === undefined ? [] : [{ name: NGINX, kind: 'terminates' as const, contender: nginx(module) }]),
  ];
  return {
    all: all.filter(({ name }) => takesPart(name)),
    left: [
      await withoutIpvs(),
      ...(module === undefined ? [`${NGINX}: its stream module is not installed`] : []),
    ],
  };
}

/** Puts all cells up, one after the other, so that each load has the machine to itself. */
export async function openCells(
  world: World,
): Promise<{ readonly cells: readonly Cell[]; readonly left: readonly string[] }> {
  const { all, left } = await entrants();
  const cells: Cell[] = [];
  const open = async (
    entrant: Entrant,
    services: readonly BenchService[],
    more: Partial<Cell>,
  ): Promise<void> => {
    const lane = await world.openLane();
    const started = performance.now();
    const serving = await entrant.contender(lane, services);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const { ms, peakMb, note = '' } = serving.load;
    process.stdout.write(
      `${entrant.name}, ${services.length}: ${ms.toFixed(0)} ms, ${peakMb.toFixed(0)} MB ${note} (up in ${seconds} s)\n`,
    );
    cells.push({
      contender: entrant.name,
      kind: entrant.kind,
      size: services.length,
      services,
      lane,
      serving,
      ...more,
    });
  };
  await open({ name: DIRECT, kind: 'forwards', contender: direct }, benchServices(LARGEST), {});
  await open({ name: CONNTRACK, kind: 'forwards', contender: conntrackOnly }, benchServices(LARGEST), {});
  await open({ name: NAT_HOOKED, kind: 'forwards', contender: natHooked }, benchServices(LARGEST), {});
  for (const size of SIZES) for (const entrant of all) await open(entrant, benchServices(size), {});
  const unguarded: Entrant = {
    name: UNGUARDED,
    kind: 'translates',
    contender: sluice({ layout: 'iptables-nft', isGuarded: false }),
  };
  if (takesPart(UNGUARDED)) await open(unguarded, benchServices(LARGEST), {});
  const wide = [
    ...benchServices(9),
    weightedService(
      9,
      Array.from({ length: MANY_INSTANCES }, () => 1),
    ),
  ];
  for (const entrant of all.filter(({ kind }) => kind === 'translates'))
    await open(entrant, wide, { instances: MANY_INSTANCES });
  return { cells, left };
}
