/** Owns how a description looks to a person: fields, then tables. Pure. */
import type { DrainOrder } from '../../model/assignment.ts';
import { formatLabels } from '../../model/labels.ts';
import { formatShare } from '../../model/share.ts';
import type {
  Description,
  InstanceDescription,
  InstanceItem,
  NodeDescription,
  NodeProgress,
  ServiceDescription,
} from '../../ops/views.ts';
import { plainText } from '../../model/text.ts';
import { formatWords } from '../../model/words.ts';
import type { AgeFormat } from '../output/age.ts';
import { type Cell, renderTable } from '../output/table.ts';
import type { Palette } from '../palette.ts';

/** How a description is laid out. */
export interface DescribeLayout {
  readonly age: AgeFormat;
  readonly palette: Palette;
}

type Field = readonly [name: string, value: string | number | undefined];

/** `name:  value` lines, the values below each other. */
function fields(pairs: readonly Field[]): string {
  const shown = pairs.filter(([, value]) => value !== undefined && value !== '');
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown
    .map(([name, value]) => `${`${name}:`.padEnd(width + 2)}${plainText(String(value), 2000)}\n`)
    .join('');
}

function table(
  title: string,
  headings: readonly string[],
  more: { readonly rows: readonly (readonly Cell[])[]; readonly layout: DescribeLayout },
): string {
  if (more.rows.length === 0) return `${title}: none\n`;
  const { palette } = more.layout;
  const text = renderTable({ headings, rows: more.rows }, { headers: true, width: undefined, palette });
  return `${title}:\n${text.replaceAll(/^/gm, '  ').replace(/ {2}$/, '')}`;
}

/** Of managed instances: who they are, where they run and why they are as they are. */
function managedInstances(items: readonly InstanceItem[], layout: DescribeLayout): string {
  const rows = items.map((item): readonly Cell[] => [
    { text: item.id },
    { text: item.port === 0 ? '-' : item.address },
    { text: item.node ?? '-' },
    { text: formatShare(item.share) },
    { text: item.state, paint: item.ready ? undefined : 'warn' },
    { text: layout.age(item.stateSince) },
    { text: String(item.restarts ?? 0) },
    { text: item.current === false ? 'old' : 'current', paint: item.current === false ? 'warn' : undefined },
    { text: whyText(item) },
  ]);
  const headings = ['INSTANCE', 'ADDRESS', 'NODE', 'SHARE', 'STATE', 'SINCE', 'RESTARTS', 'TEMPLATE', 'WHY'];
  return table('instances', headings, { rows, layout });
}

/** `exit code 1; drained by ann@host (move)`. */
function whyText({ why, drain }: InstanceItem): string {
  const order = drain === undefined ? undefined : drainText(drain);
  return [why, order].filter((text) => text !== undefined).join('; ') || '-';
}

function drainText({ by, reason }: DrainOrder): string {
  return `drained by ${by}${reason === undefined ? '' : ` (${reason})`}`;
}

function instances(items: readonly InstanceItem[], layout: DescribeLayout): string {
  if (items.some(({ origin }) => origin === 'managed')) return managedInstances(items, layout);
  const rows = items.map((item): readonly Cell[] => [
    { text: item.address },
    { text: String(item.weight) },
    { text: formatShare(item.share) },
    { text: item.state, paint: item.ready ? undefined : 'warn' },
    { text: layout.age(item.createdAt) },
  ]);
  return table('instances', ['INSTANCE', 'WEIGHT', 'SHARE', 'STATE', 'AGE'], { rows, layout });
}

function progressState(node: NodeProgress): Cell {
  if (!node.alive) return { text: 'silent', paint: 'bad' };
  if (node.failures.length > 0) return { text: `failing: ${node.failures.join('; ')}`, paint: 'bad' };
  return node.current ? { text: 'current' } : { text: 'behind', paint: 'warn' };
}

function nodes(items: readonly NodeProgress[], layout: DescribeLayout): string {
  const rows = items.map((node): readonly Cell[] => [
    { text: node.node },
    { text: String(node.appliedRevision ?? '-') },
    { text: layout.age(node.appliedAt) },
    progressState(node),
  ]);
  return table('nodes', ['NODE', 'APPLIED', 'AT', 'STATE'], { rows, layout });
}

function serviceText(description: ServiceDescription, layout: DescribeLayout): string {
  const { service, lastChange } = description;
  const by =
    lastChange === undefined
      ? 'unknown'
      : `${lastChange.actor}@${lastChange.host}, ${layout.age(lastChange.at)}, revision ${lastChange.revision}`;
  const head = fields([
    ['service', service.name],
    ['entries', service.entries.join(', ')],
    ['origin', service.origin],
    ['policy', service.policy],
    ['masquerade', service.masquerade ? 'yes' : 'no'],
    ['affinity', service.affinity],
    ['registry', service.registry],
    ['announced', service.announcers.map(({ ip, node }) => `${ip} by ${node ?? 'nobody'}`).join(', ')],
    ['replicas', service.replicas],
    [
      '  pinned',
      service.pin === undefined ? undefined : `to ${service.pin.replicas} until ${service.pin.until}`,
    ],
    ['ready', `${service.ready}/${service.replicas ?? service.instances}`],
    ['nodes', `${service.nodesApplied}/${service.nodesTotal}`],
    ['revision', service.revision],
    ['created', layout.age(service.createdAt)],
    ['last change', by],
    ['  command', lastChange?.command],
    ['  reason', lastChange?.reason],
  ]);
  return (
    head +
    templateText(description) +
    instances(description.instances, layout) +
    nodes(description.nodes, layout) +
    decisionsText(description, layout)
  );
}

/** What each instance runs, a line a field; '' for services whose instances are listed. */
function templateText({ template, service }: ServiceDescription): string {
  if (template === undefined) return '';
  const pairs = Object.entries(template).map(([name, value]): Field => [
    `  ${name}`,
    typeof value === 'string' ? value : valueText(value),
  ]);
  return `template ${service.templateHash ?? ''}:\n${fields(pairs)}`;
}

/** A list of words as a command line, anything else as JSON. */
function valueText(value: unknown): string {
  const isWords = Array.isArray(value) && value.every((word): word is string => typeof word === 'string');
  return isWords ? formatWords(value) : JSON.stringify(value);
}

function decisionsText({ decisions }: ServiceDescription, layout: DescribeLayout): string {
  if (decisions.length === 0) return '';
  const rows = decisions.map((one): readonly Cell[] => [
    { text: layout.age(one.at) },
    { text: plainText(one.what), paint: one.done ? undefined : 'warn' },
    { text: plainText(one.why) },
  ]);
  return table('decisions', ['AT', 'WHAT', 'WHY'], { rows, layout });
}

function instanceText({ instance, service }: InstanceDescription, layout: DescribeLayout): string {
  return fields([
    ['instance', instance.port === 0 ? instance.id : instance.address],
    ['id', instance.id],
    ['service', service.name],
    ['entries', service.entries.join(', ')],
    ['weight', instance.weight],
    ['share', formatShare(instance.share)],
    ['state', instance.state],
    ['  since', instance.stateSince === undefined ? undefined : layout.age(instance.stateSince)],
    ['  why', instance.why],
    ['drain', instance.drain === undefined ? undefined : drainText(instance.drain)],
    ['restarts', instance.restarts],
    ['template', templateState(instance)],
    ['origin', instance.origin],
    ['node', instance.node],
    ['revision', instance.revision],
    ['created', layout.age(instance.createdAt)],
  ]);
}

function templateState({ templateHash, current }: InstanceItem): string | undefined {
  if (templateHash === undefined) return undefined;
  return `${templateHash}${current === false ? ", older than the service's" : ''}`;
}

const unreachableText = ({ outOfReachOf }: NodeDescription['node']): string | undefined =>
  outOfReachOf.length === 0 ? undefined : `of ${outOfReachOf.join(', ')}: no connections to its instances`;

function nodeText({ node, instances: own }: NodeDescription, layout: DescribeLayout): string {
  const memory = node.memoryBytes === undefined ? undefined : `${Math.round(node.memoryBytes / 2 ** 20)} MiB`;
  const head = fields([
    ['node', node.name],
    ['state', node.alive ? 'alive' : 'silent'],
    ['alive since', node.aliveSince === undefined ? undefined : layout.age(node.aliveSince)],
    ['reached by', node.reachedBy.join(', ')],
    ['out of reach', unreachableText(node)],
    ['last heard', node.lastHeardAt === undefined ? undefined : layout.age(node.lastHeardAt)],
    ['cordoned', node.cordoned ? 'yes: nothing new is placed here' : undefined],
    ['drain', node.drain === undefined ? undefined : drainText(node.drain)],
    ['addresses', node.addresses.join(', ')],
    ['labels', formatLabels(node.labels)],
    ['drivers', node.drivers?.join(', ')],
    ['no driver', node.missingDrivers.length === 0 ? undefined : node.missingDrivers.join('; ')],
    ['cpus', node.cpus],
    ['memory', memory],
    ['version', node.version],
    ['kernel', node.kernel],
    ['dataplane', node.dataplane],
    ['applied', node.appliedRevision],
    ['applied at', node.appliedAt === undefined ? undefined : layout.age(node.appliedAt)],
    ['rules', node.rulesHash],
    ['failures', node.failures.join('; ')],
  ]);
  return own.length === 0 ? head : head + instances(own, layout);
}

/** A description for people, newline included. */
export function describeText(description: Description, layout: DescribeLayout): string {
  switch (description.kind) {
    case 'service':
      return serviceText(description, layout);
    case 'instance':
      return instanceText(description, layout);
    case 'node':
      return nodeText(description, layout);
  }
  return description satisfies never;
}
