/** Owns `explain`: the live rules of this node, walked as a packet of an entry would, and held against the store. */
import { type Address, type Family, formatAddress } from '../model/address.ts';
import { type Entry, formatEntry } from '../model/entry.ts';
import { type EntryExplanation, explanationOf } from '../rules/explain/explanation.ts';
import { walkOnwards, walkToChoice } from '../rules/explain/journey.ts';
import type { LiveTable } from '../rules/explain/live.ts';
import { isLocalTo, type NodeState, type RouteFact } from '../rules/explain/node-state.ts';
import type { Packet } from '../rules/explain/packet.ts';
import type { Way } from '../rules/explain/way-findings.ts';
import type { EntryRules } from '../rules/ruleset.ts';
import { type Sources, type Subject, subjectState } from './explain-sources.ts';

/** New connections to an instance through an entry. */
interface ConnectionCount {
  readonly entry: Entry;
  readonly instance: Address;
  readonly connections: number;
}

/** Rules as read; large tables in part. */
interface LiveRules {
  readonly tables: readonly LiveTable[];
  readonly ruleCounts: NodeState['ruleCounts'];
  readonly unread: readonly string[];
  /** New connections by entry and instance, where not the rules themselves count. */
  readonly counted: readonly ConnectionCount[];
  /** Reads what walks came to and was not there; true if there was any. */
  readonly more: () => Promise<boolean>;
}

/** Reads the kernel of this node; never changes it. Implemented at the edge (dataplane/live). */
export interface NodeReader {
  /** @param entry whose packets are walked first */
  readonly rules: (family: Family, entry: Entry) => Promise<LiveRules>;
  readonly state: (place: {
    readonly entryIp: string;
    readonly family: Family;
    readonly from: string | undefined;
    readonly device: string | undefined;
  }) => Promise<Omit<NodeState, 'ruleCounts' | 'unread'>>;
  readonly routes: (ips: readonly string[]) => Promise<ReadonlyMap<string, RouteFact>>;
}

/** Whose connections are meant. */
export interface ExplainOptions {
  /** Address of the client; undefined: a program on this node. */
  readonly from?: string | undefined;
  /** Device by which its packets come in. */
  readonly device?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What explain found. */
export interface ExplainReport {
  readonly service: string | undefined;
  /** Store revision of the desired state; undefined if it could not be read. */
  readonly revision: number | undefined;
  /** Set if the store was away and the saved snapshot stands in for it. */
  readonly savedAt: string | undefined;
  readonly explanations: readonly EntryExplanation[];
  readonly healthy: boolean;
}

const familyOf = (entry: Entry): Family => (entry.ip.includes(':') ? 'ipv6' : 'ipv4');

function firstPacket(entry: Entry, state: Omit<NodeState, 'ruleCounts' | 'unread'>): Packet {
  const { origin, entryRoute, localNetworks } = state;
  const isOut = origin.kind === 'node';
  return {
    family: familyOf(entry),
    protocol: entry.protocol,
    source: origin.source,
    destination: entry.ip,
    port: entry.port,
    original: { ip: entry.ip, port: entry.port },
    inDevice: origin.device,
    outDevice: isOut && entryRoute.kind !== 'none' ? entryRoute.device : '',
    mark: 0,
    tracked: true,
    translated: false,
    masqueraded: false,
    isLocal: isLocalTo(localNetworks),
  };
}

/** Connections of one entry by instance; none where only rules count. */
function countsOf(entry: Entry, counted: readonly ConnectionCount[]): ReadonlyMap<string, number> {
  const own = formatEntry(entry);
  return new Map(
    counted
      .filter((each) => formatEntry(each.entry) === own)
      .map(({ instance, connections }) => [formatAddress(instance), connections]),
  );
}

/** Longest way through chains that are read one after the other; a packet passes about ten. */
const MAX_ROUNDS = 200;

/** What a walk gives once every part of the rules that it comes to is read. */
async function settled<T>({ more }: LiveRules, walk: () => T): Promise<T> {
  let result = walk();
  for (let round = 0; round < MAX_ROUNDS && (await more()); round += 1) result = walk();
  return result;
}

/** One entry, rules and routes read now. */
export async function explainEntry(
  reader: NodeReader,
  asked: { readonly entry: Entry; readonly rules: EntryRules | undefined },
  options: ExplainOptions,
): Promise<EntryExplanation> {
  const { entry, rules } = asked;
  const family = familyOf(entry);
  const place = { entryIp: entry.ip, family, from: options.from, device: options.device };
  const [live, bare] = await Promise.all([reader.rules(family, entry), reader.state(place)]);
  const state: NodeState = { ...bare, ruleCounts: live.ruleCounts, unread: live.unread };
  const { origin } = state;
  const first = firstPacket(entry, state);
  const choice = await settled(live, () => walkToChoice(live.tables, first, origin));
  const routes = await reader.routes(choice.arrivals.map(({ packet }) => packet.destination));
  const walkAll = (): readonly Way[] =>
    choice.arrivals.map((arrival) => {
      const route = routes.get(arrival.packet.destination) ?? { kind: 'none' as const, why: 'no answer' };
      return { arrival, route, half: walkOnwards(live.tables, arrival, { origin, route }) };
    });
  const ways = await settled(live, walkAll);
  const { tables } = live;
  const counted = countsOf(entry, live.counted);
  const input = { entry, tables, state, choice, ways, counted, targets: rules?.targets };
  return settled(live, () => explanationOf(input));
}

/** Rules are read once a family: a listing of 10,000 services takes seconds, and a service may have several entries. */
function readOnce(reader: NodeReader): NodeReader {
  const known = new Map<Family, ReturnType<NodeReader['rules']>>();
  return {
    ...reader,
    rules: async (family, entry) => {
      const reading = known.get(family) ?? reader.rules(family, entry);
      known.set(family, reading);
      return reading;
    },
  };
}

/**
 * Explains an entry or all entries of a service on this node.
 * @throws SluiceError `not-found`, `unavailable` (a service, and nothing saved), `usage` (the client cannot be placed), `permission`
 */
export async function explain(
  sources: Sources & { readonly reader: NodeReader },
  subject: Subject,
  options: ExplainOptions = {},
): Promise<ExplainReport> {
  const known = await subjectState(sources, subject, { signal: options.signal });
  const reader = readOnce(sources.reader);
  const explanations: EntryExplanation[] = [];
  for (const asked of known.entries) explanations.push(await explainEntry(reader, asked, options));
  return {
    service: known.service,
    revision: known.revision,
    savedAt: known.savedAt,
    explanations,
    healthy: explanations.every(({ healthy }) => healthy),
  };
}
