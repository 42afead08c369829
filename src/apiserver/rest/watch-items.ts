/** Owns what those who watch are told: everything there is, or what was touched, as events with whole items. Must not know streams. */
import type { Audit } from '../../model/audit.ts';
import type { Decision } from '../../model/decision.ts';
import { collectPaced } from '../../model/pace.ts';
import { formatReference } from '../../model/reference.ts';
import { decodeAudit } from '../../model/records-audit.ts';
import { decodeDecision } from '../../model/records-leader.ts';
import { type ClusterRead, readCluster, readNodes } from '../../ops/cluster-read.ts';
import type { ReadDeps } from '../../ops/deps.ts';
import { allInstanceItems, instanceItems, nodeItems, serviceItems, serviceViewer } from '../../ops/items.ts';
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

/** Everything there is, at one revision; each event is made when it is asked for. @throws SluiceError `unavailable`, `permission` */
export async function everything(
  deps: ReadDeps,
): Promise<{ readonly revision: number; readonly events: Iterable<SentEvent> }> {
  const read = await readCluster(deps.store, { ...deps.reading });
  const now = deps.clock.now();
  const records = await recentRecords(deps, read.revision);
  return { revision: read.revision, events: allEvents(read, records, now) };
}

function* allEvents(
  read: ClusterRead,
  records: readonly SentEvent[],
  now: Date,
): Generator<SentEvent, undefined> {
  if (read.leader !== undefined) yield put('Leader', 'leader', read.leader);
  for (const item of nodeItems(read.nodes, now)) yield nodeEvent(item);
  for (const item of serviceItems(read, now)) yield serviceEvent(item);
  for (const item of allInstanceItems(read, now)) yield instanceEvent(item);
  yield* records;
  return undefined;
}

/** Touched services, each with all its instances, since each one's share depends on the others; or that they are gone. */
function* servicesEvents(
  read: ClusterRead,
  names: Iterable<string>,
  { touched, now }: Seen,
): Generator<SentEvent, undefined> {
  const view = serviceViewer(read, now);
  for (const name of names) {
    const item = view(name);
    const items = item === undefined ? [] : instanceItems(read, name, now);
    const left = new Set(items.map(({ id }) => id));
    yield item === undefined ? gone('Service', `service/${name}`) : serviceEvent(item);
    for (const one of items) yield instanceEvent(one);
    for (const id of touched.instances.get(name) ?? [])
      if (!left.has(id)) yield gone('Instance', instanceReference(name, id));
  }
  return undefined;
}

interface Seen {
  readonly touched: Touched;
  readonly now: Date;
}

async function touchedServices(deps: ReadDeps, seen: Seen): Promise<readonly SentEvent[]> {
  const { services, allServices } = seen.touched;
  if (allServices || services.size > FEW) {
    const read = await readCluster(deps.store, { ...deps.reading });
    const names = allServices ? new Set([...services, ...read.snapshot.services.keys()]) : services;
    return collectPaced(servicesEvents(read, names, seen), deps.reading?.pace);
  }
  const events: SentEvent[] = [];
  for (const name of services) {
    const read = await readCluster(deps.store, { service: name, ...deps.reading });
    events.push(...servicesEvents(read, [name], seen));
  }
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
