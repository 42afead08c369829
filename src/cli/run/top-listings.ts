/** Owns the columns of `top`. Pure. */
import { formatAge } from '../../model/duration.ts';
import type { TopNode, TopService } from '../../ops/top.ts';
import type { ListView } from '../../ops/views.ts';
import type { Column, Listing } from '../output/listing.ts';
import type { Paint } from '../palette.ts';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** Bytes in the largest unit that leaves a whole part: `1.5 GiB`. */
function bytes(value: number): string {
  let [rest, unit] = [value, 0];
  while (rest >= 1_023.95 && unit < UNITS.length - 1) [rest, unit] = [rest / 1_024, unit + 1];
  return `${unit === 0 ? rest : rest.toFixed(1)} ${UNITS[unit]}`;
}

const percent = (part: number): string => `${(part * 100).toFixed(0)}%`;
const count = (value: number): string => String(value);
const decimal =
  (digits: number) =>
  (value: number): string =>
    value.toFixed(digits);

/** A column of a figure; `-` where it is not known, which sorts below all others. */
function figure<T>(
  name: string,
  of: (item: T) => number | undefined,
  more: { readonly format: (value: number) => string } & Pick<Column<T>, 'wide' | 'paint'>,
): Column<T> {
  const { format, ...rest } = more;
  return {
    name,
    cell: (item) => {
      const value = of(item);
      return value === undefined ? '-' : format(value);
    },
    order: (item) => of(item) ?? -1,
    ...rest,
  };
}

/** From 90 % on a machine has nothing left for a burst. */
function paintShare(share: number | undefined): Paint | undefined {
  if (share === undefined || share < 0.75) return undefined;
  return share < 0.9 ? 'warn' : 'bad';
}

const memoryShare = ({ memoryUsedBytes, memoryTotalBytes }: TopNode): number | undefined =>
  memoryUsedBytes === undefined || memoryTotalBytes === undefined
    ? undefined
    : memoryUsedBytes / memoryTotalBytes;

/** How old a sample is belongs to it only where that is not as it should be. */
function sampleText({ sample, ageSeconds = 0 }: TopNode): string {
  if (sample !== 'stale') return sample;
  return ageSeconds < 0
    ? `stale, ${formatAge(-ageSeconds * 1_000)} ahead`
    : `stale, ${formatAge(ageSeconds * 1_000)}`;
}

const NODE_COLUMNS: readonly Column<TopNode>[] = [
  { name: 'NODE', cell: ({ node }) => node },
  {
    name: 'SAMPLE',
    cell: sampleText,
    paint: ({ sample }) => (sample === 'fresh' ? undefined : sample === 'stale' ? 'warn' : 'bad'),
  },
  figure('CPU', ({ cpu }) => cpu, { format: percent, paint: ({ cpu }) => paintShare(cpu) }),
  figure('PRESSURE', ({ psiCpuSome10 }) => psiCpuSome10, { format: percent }),
  figure('LOAD', ({ load1 }) => load1, { format: decimal(2) }),
  figure('MEMORY', memoryShare, { format: percent, paint: (node) => paintShare(memoryShare(node)) }),
  figure('USED', ({ memoryUsedBytes }) => memoryUsedBytes, { format: bytes }),
  figure('INSTANCES', ({ instances }) => instances, { format: count }),
  figure('CONNECTIONS', ({ connections }) => connections, { format: count }),
  figure('NEW/S', ({ newPerSecond }) => newPerSecond, { format: decimal(1) }),
  figure('CORES', ({ cores }) => cores, { format: count, wide: true }),
  figure('TOTAL', ({ memoryTotalBytes }) => memoryTotalBytes, { format: bytes, wide: true }),
  { name: 'AGENT', wide: true, cell: ({ alive }) => (alive ? 'alive' : 'silent') },
  { name: 'AT', wide: true, cell: ({ at }) => at ?? '-' },
];

const SERVICE_COLUMNS: readonly Column<TopService>[] = [
  { name: 'SERVICE', cell: ({ service }) => service },
  {
    name: 'SAMPLED',
    cell: ({ sampled, instances }) => `${sampled}/${instances}`,
    order: ({ sampled }) => sampled,
    paint: ({ sampled, instances }) => (sampled >= instances ? undefined : sampled === 0 ? 'bad' : 'warn'),
  },
  figure('CPU', ({ cpu }) => cpu, { format: percent, paint: ({ cpu }) => paintShare(cpu) }),
  figure('CPU-MAX', ({ cpuMax }) => cpuMax, { format: percent, paint: ({ cpuMax }) => paintShare(cpuMax) }),
  figure('CORES', ({ cpuCores }) => cpuCores, { format: decimal(2) }),
  figure('MEMORY', ({ memoryBytes }) => memoryBytes, { format: bytes }),
  figure('CONNECTIONS', ({ connections }) => connections, { format: count }),
  figure('QUEUE', ({ acceptQueue }) => acceptQueue, {
    format: count,
    paint: ({ acceptQueue = 0 }) => (acceptQueue > 0 ? 'warn' : undefined),
  }),
  figure('NEW/S', ({ newPerSecond }) => newPerSecond, { format: decimal(1) }),
];

/** Nodes as a result. */
export function topNodeListing({ revision, items }: ListView<TopNode>): Listing<TopNode> {
  return {
    kind: 'NodeLoadList',
    revision,
    items,
    name: ({ node }) => `node/${node}`,
    json: (item) => item,
    columns: NODE_COLUMNS,
  };
}

/** Services as a result. */
export function topServiceListing({ revision, items }: ListView<TopService>): Listing<TopService> {
  return {
    kind: 'ServiceLoadList',
    revision,
    items,
    name: ({ service }) => `service/${service}`,
    json: (item) => item,
    columns: SERVICE_COLUMNS,
  };
}
