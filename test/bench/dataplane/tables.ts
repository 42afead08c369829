/** Owns the tables of all that was measured, in Markdown. Pure. */
import { type Cell, CONNTRACK, DIRECT } from './cells.ts';
import { type Latencies, type Times, type Way, ALL_WAYS, WAYS } from './latency.ts';
import { LARGEST } from './options.ts';
import type { ProgrammingCost } from './programming.ts';

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [line(head), line(head.map(() => '---')), ...rows.map(line), ''].join('\n');
}

const sizeOf = (cell: Cell): string =>
  cell.instances === undefined ? cell.size.toLocaleString('en') : `1 × ${cell.instances}`;

/** Times of a contender of which there is one. */
function timesOf(latencies: Latencies, contender: string, way: Way): Times | undefined {
  const [, ways] = [...latencies].find(([cell]) => cell.contender === contender) ?? [];
  return ways?.get(way);
}

/** Every median with its ratios to the two that only forward. */
export function latencyTable(latencies: Latencies): string {
  if (latencies.size === 0) return '';
  const ways = ALL_WAYS;
  const rows = [...latencies].map(([cell, times]) => [
    cell.contender,
    cell.kind === 'forwards' ? '' : sizeOf(cell),
    ...ways.map((way) => {
      const own = times.get(way);
      if (own === undefined) return '';
      const [direct, tracked] = [DIRECT, CONNTRACK].map((name) => timesOf(latencies, name, way)?.p50 ?? NaN);
      const [toDirect, toTracked] = [own.p50 / (direct ?? NaN), own.p50 / (tracked ?? NaN)];
      return `${own.p50.toFixed(1)} (${toDirect.toFixed(2)}, ${toTracked.toFixed(2)}) p99 ${own.p99.toFixed(0)}`;
    }),
  ]);
  const head = ['contender', 'services', ...ways.map((way) => WAYS[way])];
  return `Time to connect in µs: median (÷ direct, ÷ conntrack without NAT), p99. A proxy's connect ends at the proxy: compare connect + 1 byte.\n\n${table(head, rows)}`;
}

/** Connections a second. */
export function rateTable(rates: ReadonlyMap<Cell, number>): string {
  if (rates.size === 0) return '';
  const direct = [...rates].find(([cell]) => cell.contender === DIRECT)?.[1] ?? NaN;
  const rows = [...rates].map(([cell, rate]) => [
    cell.contender,
    `${Math.round(rate).toLocaleString('en')} (${(rate / direct).toFixed(2)})`,
  ]);
  const head = [
    'contender',
    `connections/s, 16 clients, ${LARGEST.toLocaleString('en')} services (÷ direct)`,
  ];
  return table(head, rows);
}

/** Milliseconds as people read them. */
export const millis = (ms: number | undefined): string =>
  ms === undefined ? '' : `${ms < 10 ? ms.toFixed(1) : Math.round(ms).toLocaleString('en')} ms`;

const LOAD_NOTE =
  "Full load, Sluice's with its guard and through apply. kube-proxy writes all in one transaction; where that grows with the square of the services it is " +
  'taken up to 1,000 of them, and above in small ones that end in the same rules (in one transaction, 10,000 took 495 s and 119 s with prototypes; not part of this run).';

/** What loading everything took. */
export function loadTable(cells: readonly Cell[]): string {
  const rows = cells
    .filter(({ kind }) => kind !== 'forwards')
    .map((cell) => [
      cell.contender,
      sizeOf(cell),
      millis(cell.serving.load.ms),
      `${Math.round(cell.serving.load.peakMb)} MB`,
      cell.serving.load.note ?? '',
    ]);
  const head = ['contender', 'services', 'full load', 'largest program', ''];
  return `${LOAD_NOTE}\n\n${table(head, rows)}`;
}

/** What changes took. */
export function programmingTable(costs: ReadonlyMap<Cell, ProgrammingCost>): string {
  if (costs.size === 0) return '';
  const rows = [...costs].map(([cell, cost]) => [
    cell.contender,
    sizeOf(cell),
    millis(cost.change),
    millis(cost.changeWhole),
    millis(cost.changeMany),
    millis(cost.add),
    millis(cost.readBack),
  ]);
  const head = [
    'contender',
    'services',
    'one changed: bare transaction',
    'the same through apply',
    '100 changed at once',
    'one added',
    'read back',
  ];
  return `Changed is a weight, with kube-proxy an instance. Proxies reload.\n\n${table(head, rows)}`;
}
