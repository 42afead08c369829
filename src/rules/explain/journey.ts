/**
 * Owns the way of a packet from hook to hook: what every base chain does with it in the kernel's order, up to the choice of an instance,
 * and from there on. Pure; routes come from outside between the two halves.
 */
import { type HookName, type LiveTable, type Place, placesOf, type Verdict } from './live.ts';
import type { Origin, RouteFact } from './node-state.ts';
import type { Packet } from './packet.ts';
import { type End, type RuleRef, type Walk, walkBase } from './walk.ts';

/** One base chain that was asked, and what came of it. Shares in it are parts of `share`. */
export interface Asked {
  readonly hook: HookName;
  readonly place: Place;
  readonly share: number;
  readonly walk: Walk;
}

/** Connections in one state after a half of the way. */
export interface Arrival {
  readonly share: number;
  readonly packet: Packet;
  /** The rule that chose the destination; undefined if nobody did. */
  readonly by: RuleRef | undefined;
}

/** Connections that end at a rule. */
export interface Loss {
  readonly hook: HookName;
  readonly share: number;
  readonly packet: Packet;
  readonly verdict: Verdict;
  readonly by: RuleRef;
}

/** A half of the way. */
export interface Half {
  readonly asked: readonly Asked[];
  readonly arrivals: readonly Arrival[];
  readonly losses: readonly Loss[];
}

/** Priority of destination NAT where no nat chain says otherwise; conntrack sits before it. */
const DNAT = -100;

interface Going {
  readonly asked: Asked[];
  readonly losses: Loss[];
  readonly here: readonly Arrival[];
}

/** Destination of `redirect`: the node itself. */
function nodeAddress(packet: Packet): string {
  const loopback = packet.family === 'ipv4' ? '127.0.0.1' : '::1';
  return packet.inDevice === '' ? loopback : `this node`;
}

function passed(end: End, packet: Packet, before: Arrival): Arrival {
  const share = end.share * before.share;
  const { verdict, by } = end;
  if (verdict.kind === 'dnat') {
    const destination = verdict.ip ?? (verdict.text.startsWith(':') ? packet.destination : verdict.text);
    const to = { destination, port: verdict.port ?? packet.port, translated: true };
    return { share, by, packet: { ...end.packet, ...to } };
  }
  if (verdict.kind === 'redirect') {
    const to = { destination: nodeAddress(packet), port: verdict.port ?? packet.port, translated: true };
    return { share, by, packet: { ...end.packet, ...to } };
  }
  if (verdict.kind === 'snat') return { share, by: before.by, packet: { ...end.packet, masqueraded: true } };
  return { share, by: before.by, packet: end.packet };
}

/** nat chains are asked for the first packet of a tracked connection, until one of them translates. */
function isAsked(place: Place, hook: HookName, packet: Packet): boolean {
  if (place.base.type !== 'nat') return true;
  const isDone = hook === 'prerouting' || hook === 'output' ? packet.translated : packet.masqueraded;
  return packet.tracked && !isDone;
}

function askPlace(going: Going, hook: HookName, place: Place): Going {
  const here: Arrival[] = [];
  for (const arrival of going.here) {
    if (!isAsked(place, hook, arrival.packet)) {
      here.push(arrival);
      continue;
    }
    const walk = walkBase(place, arrival.packet);
    going.asked.push({ hook, place, share: arrival.share, walk });
    for (const end of walk.ends) {
      const { verdict, by, packet } = end;
      if (verdict.kind === 'drop' || verdict.kind === 'reject')
        going.losses.push({ hook, share: end.share * arrival.share, packet, verdict, by });
      else here.push(passed(end, arrival.packet, arrival));
    }
  }
  return { ...going, here };
}

function askHook(
  going: Going,
  tables: readonly LiveTable[],
  { hook, part }: { readonly hook: HookName; readonly part: 'first' | 'rest' | 'all' },
): Going {
  const places = placesOf(tables, hook);
  const nat = places.filter(({ base }) => base.type === 'nat').map(({ base }) => base.priority);
  const boundary = Math.max(DNAT, ...nat);
  return places
    .filter(({ base }) => part === 'all' || base.priority <= boundary === (part === 'first'))
    .reduce((before, place) => askPlace(before, hook, place), going);
}

const start = (arrival: Arrival): Going => ({ asked: [], losses: [], here: [arrival] });
const half = ({ asked, losses, here }: Going): Half => ({ asked, losses, arrivals: here });

/** The hook at which packets of this origin meet the node's rules first. */
export const firstHook = (origin: Origin): 'prerouting' | 'output' =>
  origin.kind === 'node' ? 'output' : 'prerouting';

/** From the first rule to the choice of a destination. */
export function walkToChoice(tables: readonly LiveTable[], packet: Packet, origin: Origin): Half {
  const going = start({ share: 1, packet, by: undefined });
  return half(askHook(going, tables, { hook: firstHook(origin), part: 'first' }));
}

const at = (going: Going, devices: Partial<Pick<Packet, 'inDevice' | 'outDevice'>>): Going => ({
  ...going,
  here: going.here.map((each) => ({ ...each, packet: { ...each.packet, ...devices } })),
});

/** From the choice of a destination to the wire, or to a program on this node. */
export function walkOnwards(
  tables: readonly LiveTable[],
  arrival: Arrival,
  way: { readonly origin: Origin; readonly route: RouteFact },
): Half {
  const { origin, route } = way;
  const ask = (going: Going, hook: HookName, part: 'rest' | 'all'): Going =>
    askHook(going, tables, { hook, part });
  if (route.kind === 'none') return half(start(arrival));
  const outDevice = route.device;
  if (origin.kind === 'node') {
    const out = ask(ask(at(start(arrival), { outDevice }), 'output', 'rest'), 'postrouting', 'all');
    if (route.kind !== 'local') return half(out);
    return half(ask(at(out, { inDevice: 'lo', outDevice: '' }), 'input', 'all'));
  }
  const rest = ask(start(arrival), 'prerouting', 'rest');
  if (route.kind === 'local') return half(ask(rest, 'input', 'all'));
  return half(ask(ask(at(rest, { outDevice }), 'forward', 'all'), 'postrouting', 'all'));
}
