/** Owns what those who watch are told: everything there is, or what was touched, as events with whole items. Must not know streams. */
import type { Audit } from '../../model/audit.ts';
import type { Decision } from '../../model/decision.ts';
import { formatReference } from '../../model/reference.ts';
import { decodeAudit } from '../../model/records-audit.ts';
import { decodeDecision } from '../../model/records-leader.ts';
import { type ClusterRead, readCluster, readNodes } from '../../ops/cluster-read.ts';
import type { ReadDeps } from '../../ops/deps.ts';
import { allInstanceItems, instanceItems, nodeItems, serviceItems } from '../../ops/items.ts';
import { readLeader } from '../../ops/leader.ts';
import type { InstanceItem, NodeItem, ServiceItem } from '../../ops/views.ts';
import { AUDIT, DECISIONS } from '../../store/keys.ts';
import { whyInvalid } from '../../store/snapshot.ts';
import type { KeyValue } from '../../store/store.ts';
import type { SentEvent } from './event-stream.ts';
import type { Touched } from './touched.ts';

/** More touched services than this are read with all others at once. */
const FEW = 20;
/** Records of the past that a new watcher is told, of each kind, and from how long ago. */
const MOST_RECORDS = 50;
const RECORDS_MS = 3_600_000;

const put = (kind: string, reference: string, item: object): SentEvent => ({
  event: 'put',
  data: { kind, reference, item },
});
const gone = (kind: string, reference: string): SentEvent => ({ event: 'delete', data: { kind, reference } });

const serviceEvent = (item: ServiceItem): SentEvent => put('Service', `service/${item.name}`, item);
const nodeEvent = (item: NodeItem): SentEvent => put('Node', `node/${item.name}`, item);
const instanceReference = (service: string, id: string): string =>
  formatReference({ kind: 'instance', service, id });
const instanceEvent = (item: InstanceItem): SentEvent =>
  put('Instance', instanceReference(item.service, item.id), item);

/** A record by its key; undefined for what is none of ours, as the tombstones of lost writes. */
function recordOf({ key, value }: KeyValue): SentEvent | undefined {
  const tail = key.slice(key.indexOf('/') + 1);
  const slash = tail.indexOf('/');
  try {
    if (key.startsWith(AUDIT.start)) return recordEvent('change', decodeAudit(tail, value).value);
    const about = { service: tail.slice(0, slash), at: tail.slice(slash + 1) };
    return recordEvent('decision', decodeDecision(about, value).value);
  } catch (error) {
    whyInvalid(error);
    return undefined;
  }
}

const recordEvent = (event: 'change' | 'decision', data: Audit | Decision): SentEvent => ({ event, data });

const byTime = (a: KeyValue, b: KeyValue): number => a.modRevision - b.modRevision;

async function recentRecords({ store, clock }: ReadDeps, revision: number): Promise<readonly SentEvent[]> {
  const since = new Date(clock.now().getTime() - RECORDS_MS).toISOString();
  const audit = await store.list({ start: `${AUDIT.start}${since}`, end: AUDIT.end }, { revision });
  const decisions = await store.list(DECISIONS, { revision });
  const newest = (items: readonly KeyValue[]): readonly KeyValue[] =>
    items.toSorted(byTime).slice(-MOST_RECORDS);
  const items = [...newest(audit.items), ...newest(decisions.items)].toSorted(byTime);
  return items.flatMap((item) => recordOf(item) ?? []);
}

/** Everything there is, at one revision. @throws SluiceError `unavailable`, `permission` */
export async function everything(
  deps: ReadDeps,
): Promise<{ readonly revision: number; readonly events: readonly SentEvent[] }> {
  const read = await readCluster(deps.store, { known: deps.known });
  const now = deps.clock.now();
  const { revision, leader } = read;
  const events = [
    ...(leader === undefined ? [] : [put('Leader', 'leader', leader)]),
    ...nodeItems(read.nodes, now).map(nodeEvent),
    ...serviceItems(read, now).map(serviceEvent),
    ...allInstanceItems(read, now).map(instanceEvent),
    ...(await recentRecords(deps, revision)),
  ];
  return { revision, events };
}

/** A touched service with all its instances, since each one's share depends on the others; or that it is gone. */
function serviceEvents(read: ClusterRead, name: string, { touched, now }: Seen): readonly SentEvent[] {
  const item = serviceItems(read, now).find((one) => one.name === name);
  const items = item === undefined ? [] : instanceItems(read, name, now);
  const left = new Set(items.map(({ id }) => id));
  const lost = [...(touched.instances.get(name) ?? [])].filter((id) => !left.has(id));
  return [
    item === undefined ? gone('Service', `service/${name}`) : serviceEvent(item),
    ...items.map(instanceEvent),
    ...lost.map((id) => gone('Instance', instanceReference(name, id))),
  ];
}

interface Seen {
  readonly touched: Touched;
  readonly now: Date;
}

async function touchedServices(deps: ReadDeps, seen: Seen): Promise<readonly SentEvent[]> {
  const { services, allServices } = seen.touched;
  if (allServices || services.size > FEW) {
    const read = await readCluster(deps.store, { known: deps.known });
    const names = allServices ? new Set([...services, ...read.snapshot.services.keys()]) : services;
    return [...names].flatMap((name) => serviceEvents(read, name, seen));
  }
  const events: SentEvent[] = [];
  for (const name of services)
    events.push(
      ...serviceEvents(await readCluster(deps.store, { service: name, known: deps.known }), name, seen),
    );
  return events;
}

async function touchedNodes(deps: ReadDeps, { touched, now }: Seen): Promise<readonly SentEvent[]> {
  if (touched.nodes.size === 0) return [];
  const { nodes } = await readNodes(deps.store);
  const items = new Map(nodeItems(nodes, now).map((item) => [item.name, item]));
  return [...touched.nodes].map((name) => {
    const item = items.get(name);
    return item === undefined ? gone('Node', `node/${name}`) : nodeEvent(item);
  });
}

async function touchedLeader({ store }: ReadDeps): Promise<SentEvent> {
  const leader = await readLeader(store);
  return leader === undefined ? gone('Leader', 'leader') : put('Leader', 'leader', leader);
}

/** What was touched, as it is now. @throws SluiceError `unavailable`, `permission` */
export async function touchedEvents(deps: ReadDeps, touched: Touched): Promise<readonly SentEvent[]> {
  const seen = { touched, now: deps.clock.now() };
  const events = [...(await touchedNodes(deps, seen)), ...(await touchedServices(deps, seen))];
  if (touched.leader) events.push(await touchedLeader(deps));
  for (const key of touched.records) {
    const { item } = await deps.store.get(key);
    const event = item === undefined ? undefined : recordOf(item);
    if (event !== undefined) events.push(event);
  }
  return events;
}
