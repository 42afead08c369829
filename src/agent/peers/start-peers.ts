/**
 * Owns what the agent does about other nodes: it asks a few of them for signs of life and says in its marker who answers; and what all nodes say of each
 * other decides here, without a leader, which nodes are out of reach and get no connections from this one.
 */
import type { Clock } from '../../host/clock.ts';
import type { Knocked } from '../../host/knock.ts';
import type { Log } from '../../host/log.ts';
import { probeTargets } from '../../health/probers.ts';
import { answersAlone, nodesOutOfReach } from '../../health/votes.ts';
import { type Away, awayOf, NOTHING_AWAY } from '../../health/without-away.ts';
import type { Address } from '../../model/address.ts';
import type { Reaches } from '../../model/node.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { KeyValue } from '../../store/store.ts';
import { type Asking, startAsking } from './asking.ts';
import { instancesAt } from './instances-at.ts';
import { peerView } from './peer-view.ts';
import { createReturning } from './returning.ts';

/** News that a node answers for the first time, or is asked no longer, waits for so long for more of its kind: nobody acts on it. */
const GATHER_MS = 2_000;

/** What it needs. */
export interface PeersOptions {
  /** Name of this node. */
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly knock: (place: Address, timeoutMs: number) => Promise<Knocked>;
  /** Services and instances as the store has them. */
  readonly snapshot: () => Snapshot;
  /** Told what is out of reach, when that changed. */
  readonly setAway: (away: Away) => void;
  /** Nodes that answered an agent before this one, `NAME IP`. */
  readonly reached: readonly string[];
  /** Told which nodes that are asked have answered, to be there in `reached` for the next agent. */
  readonly remember: (reached: readonly string[]) => void;
  /** Told which of those that are asked answer, when that changed. */
  readonly say: (reaches: Reaches) => void;
}

/** What follows other nodes. */
export interface Peers {
  /** Takes changed keys from the copy of the store; `anew`: in place of all that was known. */
  readonly changed: (keys: readonly string[], items: ReadonlyMap<string, KeyValue>, anew: boolean) => void;
  /** Asks nobody any more. */
  readonly close: () => void;
}

const isSame = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((one) => b.has(one));

/** A node at an address, as it is remembered. */
const placeOf = (name: string, ip: string): string => `${name} ${ip}`;

const sorted = (names: Iterable<string>): readonly string[] => [...names].toSorted();

/** True if what was said is out of date in a way that others act on. */
const isUrgent = (before: Reaches, after: Reaches): boolean =>
  Object.entries(after).some(([name, isReached]) => isReached !== (before[name] ?? true));

/** Says what this node knows of those that it asks, as seldom as it can. */
function createSpeaker({ clock, say }: PeersOptions, known: () => Reaches, signal: AbortSignal): () => void {
  let said: Reaches = {};
  let isGathering = false;
  const tell = (): void => {
    const reaches = known();
    if (JSON.stringify(reaches) === JSON.stringify(said)) return;
    said = reaches;
    say(reaches);
  };
  const gather = async (): Promise<void> => {
    isGathering = true;
    await clock.sleep(GATHER_MS, signal);
    isGathering = false;
    if (!signal.aborted) tell();
  };
  return () => {
    const reaches = known();
    if (isUrgent(said, reaches)) tell();
    else if (!isGathering && JSON.stringify(reaches) !== JSON.stringify(said)) void gather();
  };
}

/** Starts; nobody is asked before the first listing. */
export function startPeers(options: PeersOptions): Peers {
  const { node, clock, log, knock, snapshot, setAway } = options;
  const closing = new AbortController();
  const view = peerView();
  const asking = new Map<string, Asking>();
  let away = NOTHING_AWAY;

  const known = (): Reaches =>
    Object.fromEntries(
      sorted(asking.keys()).flatMap((name) => {
        const reaches = asking.get(name)?.reaches();
        return reaches === undefined ? [] : [[name, reaches] as const];
      }),
    );
  const tell = createSpeaker(options, known, closing.signal);
  /** Also those that are not asked any more: they may be again. */
  const answered = new Set(options.reached);
  const speak = (): void => {
    for (const [name, one] of asking) if (one.hasAnswered()) answered.add(placeOf(name, one.ip));
    const places = [...view.addresses].map(([name, [ip = '']]) => placeOf(name, ip));
    options.remember(sorted(places).filter((place) => answered.has(place)));
    tell();
  };

  /** Asks those that are this node's to ask, at the address that they have now. */
  const askRight = (): void => {
    const nodes = new Set(view.addresses.keys());
    const targets = new Set(probeTargets(node, { alive: view.said.keys(), nodes }));
    for (const [name, { ip, stop }] of asking) {
      if (targets.has(name) && view.addresses.get(name)?.[0] === ip) continue;
      stop();
      asking.delete(name);
    }
    for (const name of targets) {
      const [ip] = view.addresses.get(name) ?? [];
      if (ip === undefined || asking.has(name)) continue;
      const instances = (): readonly Address[] => instancesAt(snapshot(), view.addresses.get(name) ?? []);
      const hasAnswered = answered.has(placeOf(name, ip));
      asking.set(name, startAsking({ ip, hasAnswered, clock, knock, instances, onChange: speak }));
    }
    speak();
  };

  const judge = (): void => {
    returning.are(answersAlone(away.nodes, view.said));
    const { unawaited } = returning;
    const found = new Set(nodesOutOfReach({ away: away.nodes, unawaited }, view.said));
    // Whatever others say: what runs here is reached from here.
    found.delete(node);
    const next = awayOf(found, view.addresses);
    if (isSame(found, away.nodes) && isSame(next.ips, away.ips)) return;
    const gone = sorted(found).filter((name) => !away.nodes.has(name));
    const back = sorted(away.nodes).filter((name) => !found.has(name));
    if (gone.length > 0)
      log.warn('nodes are out of reach: no connections to their instances', { nodes: gone });
    if (back.length > 0) log.info('nodes answer again', { nodes: back });
    away = next;
    setAway(away);
  };

  const returning = createReturning(clock, judge);

  return {
    changed: (keys, items, anew) => {
      if (anew) view.clear();
      const alive = new Set(view.said.keys());
      const changed = view.take(anew ? items.keys() : keys, items);
      if (changed.size === 0 && !anew) return;
      const isOther = anew || keys.some((key) => key.startsWith('node/'));
      if (isOther || !isSame(alive, new Set(view.said.keys()))) askRight();
      for (const name of changed) if (view.said.has(name) && !alive.has(name)) asking.get(name)?.hurry();
      judge();
    },
    close: () => {
      closing.abort();
      for (const { stop } of asking.values()) stop();
      returning.close();
    },
  };
}
