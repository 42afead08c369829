/** Owns what the figures must be. Pure. */
import type { Figure } from '../figures.ts';
import {
  type Cell,
  CONNTRACK,
  HAPROXY,
  kubeName,
  LAYOUTS,
  MANY_INSTANCES,
  NAT_HOOKED,
  sluiceName,
  UNGUARDED,
} from './cells.ts';
import type { Latencies, Way } from './latency.ts';
import { WAYS } from './latency.ts';
import { LARGEST, SIZES } from './options.ts';
import type { ProgrammingCost } from './programming.ts';
import { millis } from './tables.ts';

type Layout = (typeof LAYOUTS)[number];

/** At the largest size; `faster` is against kube-proxy's layout on the same back end. */
const PROGRAMMING: Readonly<
  Record<
    Layout,
    { readonly loadMs: number; readonly loadMb?: number; readonly changeMs: number; readonly faster: number }
  >
> = {
  'iptables-nft': { loadMs: 5_000, loadMb: 40, changeMs: 110, faster: 8 },
  'iptables-legacy': { loadMs: 800, changeMs: 320, faster: 3 },
  nftables: { loadMs: 2_200, changeMs: 90, faster: 2.5 },
};
const [SMALLEST] = SIZES;
const AT = LARGEST.toLocaleString('en');

const atMost = (what: string, value: number, limit: number): Figure => ({
  what,
  measured: value.toFixed(2),
  target: `≤ ${limit.toFixed(2)}`,
  met: value <= limit,
});
const atLeast = (what: string, value: number, limit: number): Figure => ({
  what,
  measured: value.toFixed(1),
  target: `≥ ${limit}`,
  met: value >= limit,
});

const untargeted = (what: string, value: number): Figure => ({
  what,
  measured: value.toFixed(2),
  target: '',
  met: true,
});

const ratio = (
  [above, below]: readonly [number | undefined, number | undefined],
  figure: (value: number) => Figure,
): readonly Figure[] => (above === undefined || below === undefined ? [] : [figure(above / below)]);

/** Targets of the latencies; what was not measured has none. */
export function latencyTargets(latencies: Latencies): readonly Figure[] {
  const median = (contender: string, size: number, way: Way): number | undefined => {
    const found = [...latencies].find(
      ([cell]) => cell.contender === contender && cell.size === size && cell.instances === undefined,
    );
    return found?.[1].get(way)?.p50;
  };
  const wide = (contender: string): number | undefined =>
    [...latencies]
      .find(([cell]) => cell.contender === contender && cell.instances !== undefined)?.[1]
      .get('last')?.p50;
  return LAYOUTS.flatMap((layout) => {
    const name = sluiceName(layout);
    const own = (way: Way, size = LARGEST): number | undefined => median(name, size, way);
    const tracked = (way: Way): number | undefined => median(CONNTRACK, LARGEST, way);
    const growth = (way: Way, limit: number): readonly Figure[] =>
      ratio([own(way), own(way, SMALLEST)], (value) =>
        atMost(`${name}: connect, ${WAYS[way]}, at ${AT} ÷ at ${SMALLEST}`, value, limit),
      );
    const overTracked = (way: Way, limit: number): readonly Figure[] =>
      ratio([own(way), tracked(way)], (value) =>
        atMost(`${name}: connect, ${WAYS[way]}, at ${AT} ÷ conntrack without NAT`, value, limit),
      );
    /** Beside the target, which speaks of no NAT at all: what the rules cost above the hooks that any nat table brings. */
    const overHooked = (way: Way): readonly Figure[] =>
      ratio([own(way), median(NAT_HOOKED, LARGEST, way)], (value) =>
        untargeted(`${name}: connect, ${WAYS[way]}, at ${AT} ÷ conntrack and NAT, no rule`, value),
      );
    const kube = { 'iptables-nft': 5, 'iptables-legacy': 1.6, nftables: undefined }[layout];
    return [
      ...growth('last', 1.05),
      ...growth('random', 1.2),
      ...overTracked('last', 1.12),
      ...overTracked('random', 1.2),
      ...overTracked('local', 1.2),
      ...overTracked('plain', 1.05),
      ...(['last', 'random', 'local', 'plain'] as const).flatMap(overHooked),
      ...(kube === undefined
        ? []
        : ratio([median(kubeName(layout), LARGEST, 'last'), own('last')], (value) =>
            atLeast(`${kubeName(layout)} ÷ ${name}: connect, last service, at ${AT}`, value, kube),
          )),
      ...ratio([own('echo'), median(HAPROXY, LARGEST, 'echo')], (value) =>
        atMost(`${name} ÷ HAProxy: connect + 1 byte, at ${AT}`, value, 0.75),
      ),
      ...ratio([wide(name), tracked('last')], (value) =>
        atMost(`${name}: connect, ${MANY_INSTANCES} instances ÷ conntrack without NAT`, value, 1.2),
      ),
      ...(layout === 'iptables-nft'
        ? ratio([own('last'), median(UNGUARDED, LARGEST, 'last')], (value) =>
            untargeted(`${name}: connect with the guard ÷ without`, value),
          )
        : []),
    ];
  });
}

/** Targets of loads and changes. */
export function programmingTargets(
  cells: readonly Cell[],
  costs: ReadonlyMap<Cell, ProgrammingCost>,
): readonly Figure[] {
  const cellOf = (contender: string): Cell | undefined =>
    cells.find(
      (cell) => cell.contender === contender && cell.size === LARGEST && cell.instances === undefined,
    );
  return LAYOUTS.flatMap((layout) => {
    const name = `${sluiceName(layout)}, ${AT} services`;
    const targets = PROGRAMMING[layout];
    const [own, kube] = [cellOf(sluiceName(layout)), cellOf(kubeName(layout))];
    const load = own?.serving.load;
    const cost = own && costs.get(own);
    const theirs = (kube && costs.get(kube))?.change;
    const limit = (what: string, ms: number | undefined, most: number): readonly Figure[] =>
      ms === undefined
        ? []
        : [{ what: `${name}: ${what}`, measured: millis(ms), target: `≤ ${millis(most)}`, met: ms <= most }];
    return [
      ...limit('full load', load?.ms, targets.loadMs),
      ...(load === undefined || targets.loadMb === undefined
        ? []
        : [
            {
              what: `${name}: full load, largest program`,
              measured: `${Math.round(load.peakMb)} MB`,
              target: `≤ ${targets.loadMb} MB`,
              met: load.peakMb <= targets.loadMb,
            },
          ]),
      ...limit('one weight changed, bare transaction', cost?.change, targets.changeMs),
      ...(theirs === undefined || cost?.change === undefined
        ? []
        : [
            atLeast(
              `${kubeName(layout)} ÷ ${name}: one change, bare transaction`,
              theirs / cost.change,
              targets.faster,
            ),
          ]),
      ...(cost?.change === undefined || cost.changeWhole === undefined || cost.changeMany === undefined
        ? []
        : [
            atMost(
              `${name}: one weight changed, through apply ÷ bare transaction`,
              cost.changeWhole / cost.change,
              1.3,
            ),
            atMost(
              `${name}: 100 services changed in one batch ÷ one`,
              cost.changeMany / cost.changeWhole,
              1.5,
            ),
          ]),
    ];
  });
}
