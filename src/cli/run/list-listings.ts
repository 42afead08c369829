/** Owns the columns of services, instances and nodes. Pure. */
import { formatLabels } from '../../model/labels.ts';
import { formatReference } from '../../model/reference.ts';
import { formatShare } from '../../model/share.ts';
import type { InstanceItem, ListView, NodeItem, ServiceItem } from '../../ops/views.ts';
import type { Column, Listing } from '../output/listing.ts';
import type { Paint } from '../palette.ts';

const dash = (value: string | number | undefined): string =>
  value === undefined || value === '' ? '-' : String(value);

const fraction = (part: number, whole: number): string => `${part}/${whole}`;

/** Nothing ready is bad, less than all is a warning. */
function paintPart(part: number, whole: number): Paint | undefined {
  if (part >= whole && whole > 0) return undefined;
  return part === 0 ? 'bad' : 'warn';
}

const SERVICE_COLUMNS: readonly Column<ServiceItem>[] = [
  { name: 'NAME', cell: ({ name }) => name },
  { name: 'ENTRY', cell: ({ entries }) => dash(entries.join(',')) },
  {
    name: 'INSTANCES',
    cell: ({ instances }) => String(instances),
    order: ({ instances }) => instances,
  },
  {
    name: 'READY',
    cell: ({ ready, replicas }) => (replicas === undefined ? String(ready) : fraction(ready, replicas)),
    order: ({ ready }) => ready,
    paint: ({ ready, instances, replicas }) => paintPart(ready, replicas ?? instances),
  },
  {
    name: 'NODES',
    cell: ({ nodesApplied, nodesTotal }) => fraction(nodesApplied, nodesTotal),
    order: ({ nodesApplied }) => nodesApplied,
    paint: ({ nodesApplied, nodesTotal }) =>
      nodesTotal === 0 ? 'warn' : paintPart(nodesApplied, nodesTotal),
  },
  { name: 'POLICY', cell: ({ policy }) => policy },
  {
    name: 'AGE',
    cell: ({ createdAt }, age) => age(createdAt),
    order: ({ ageSeconds }) => ageSeconds,
  },
  { name: 'ORIGIN', wide: true, cell: ({ origin }) => origin },
  { name: 'MASQUERADE', wide: true, cell: ({ masquerade }) => (masquerade ? 'yes' : 'no') },
  { name: 'AFFINITY', wide: true, cell: ({ affinity }) => affinity },
  {
    name: 'REVISION',
    wide: true,
    cell: ({ revision }) => String(revision),
    order: ({ revision }) => revision,
  },
];

/** The state, and that people asked to drain it while it is not yet on its way out. */
function stateText({ state, drain }: InstanceItem): string {
  return drain === undefined || ['draining', 'stopping', 'stopped'].includes(state)
    ? state
    : `${state},draining`;
}

function templateText({ templateHash, current }: InstanceItem): string {
  if (templateHash === undefined) return '-';
  return `${templateHash.slice(0, 8)}${current === false ? ' (old)' : ''}`;
}

const INSTANCE_COLUMNS: readonly Column<InstanceItem>[] = [
  { name: 'SERVICE', cell: ({ service }) => service },
  { name: 'INSTANCE', cell: ({ address, id, origin }) => (origin === 'managed' ? id : address) },
  { name: 'WEIGHT', cell: ({ weight }) => String(weight), order: ({ weight }) => weight },
  { name: 'SHARE', cell: ({ share }) => formatShare(share), order: ({ share }) => share },
  { name: 'STATE', cell: stateText, paint: ({ ready }) => (ready ? undefined : 'warn') },
  { name: 'NODE', cell: ({ node }) => dash(node) },
  {
    name: 'AGE',
    cell: ({ createdAt }, age) => age(createdAt),
    order: ({ ageSeconds }) => ageSeconds,
  },
  { name: 'ID', wide: true, cell: ({ id }) => id },
  { name: 'ADDRESS', wide: true, cell: ({ address, port }) => (port === 0 ? '-' : address) },
  { name: 'WHY', wide: true, cell: ({ why }) => dash(why) },
  {
    name: 'RESTARTS',
    wide: true,
    cell: ({ restarts }) => dash(restarts),
    order: ({ restarts }) => restarts ?? 0,
  },
  { name: 'TEMPLATE', wide: true, cell: templateText },
  { name: 'ORIGIN', wide: true, cell: ({ origin }) => origin },
  {
    name: 'REVISION',
    wide: true,
    cell: ({ revision }) => String(revision),
    order: ({ revision }) => revision,
  },
];

function nodeState({ alive, failures }: NodeItem): string {
  if (!alive) return 'silent';
  return failures.length === 0 ? 'alive' : 'failing';
}

/** `alive,cordoned`, `silent,draining`. */
function nodeStateText(node: NodeItem): string {
  const orders = [...(node.cordoned ? ['cordoned'] : []), ...(node.drain === undefined ? [] : ['draining'])];
  return [nodeState(node), ...orders].join(',');
}

function nodePaint(node: NodeItem): Paint | undefined {
  if (!node.alive) return 'bad';
  return nodeStateText(node) === 'alive' ? undefined : 'warn';
}

const NODE_COLUMNS: readonly Column<NodeItem>[] = [
  { name: 'NODE', cell: ({ name }) => name },
  {
    name: 'STATE',
    cell: nodeStateText,
    paint: nodePaint,
  },
  { name: 'ADDRESS', cell: ({ addresses }) => dash(addresses[0]) },
  {
    name: 'APPLIED',
    cell: ({ appliedRevision }) => dash(appliedRevision),
    order: ({ appliedRevision }) => appliedRevision ?? 0,
  },
  { name: 'SINCE', cell: ({ aliveSince, lastHeardAt }, age) => age(aliveSince ?? lastHeardAt) },
  { name: 'VERSION', cell: ({ version }) => dash(version) },
  { name: 'DATAPLANE', wide: true, cell: ({ dataplane }) => dash(dataplane) },
  { name: 'KERNEL', wide: true, cell: ({ kernel }) => dash(kernel) },
  { name: 'LABELS', wide: true, cell: ({ labels }) => dash(formatLabels(labels)) },
  { name: 'DRIVERS', wide: true, cell: ({ drivers }) => dash(drivers?.join(',')) },
  { name: 'CPUS', wide: true, cell: ({ cpus }) => dash(cpus), order: ({ cpus }) => cpus ?? 0 },
  { name: 'RULES', wide: true, cell: ({ rulesHash }) => dash(rulesHash?.slice(0, 12)) },
  { name: 'FAILURES', wide: true, cell: ({ failures }) => dash(failures.join('; ')) },
];

/** Services as a result. */
export function serviceListing({ revision, items }: ListView<ServiceItem>): Listing<ServiceItem> {
  return {
    kind: 'ServiceList',
    revision,
    items,
    name: ({ name }) => `service/${name}`,
    json: (item) => item,
    columns: SERVICE_COLUMNS,
  };
}

/** Instances as a result. */
export function instanceListing({ revision, items }: ListView<InstanceItem>): Listing<InstanceItem> {
  return {
    kind: 'InstanceList',
    revision,
    items,
    name: ({ service, id }) => formatReference({ kind: 'instance', service, id }),
    json: (item) => item,
    columns: INSTANCE_COLUMNS,
  };
}

/** Nodes as a result. */
export function nodeListing({ revision, items }: ListView<NodeItem>): Listing<NodeItem> {
  return {
    kind: 'NodeList',
    revision,
    items,
    name: ({ name }) => `node/${name}`,
    json: (item) => item,
    columns: NODE_COLUMNS,
  };
}
