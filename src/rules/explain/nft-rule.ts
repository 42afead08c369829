/** Owns one rule of `nft -j`: its expressions held against a packet, one after the other, as the kernel does. Pure. */
import { canonicalIp } from '../../model/address.ts';
import type { Branch, Evaluation, Verdict } from './live.ts';
import { chanceOfMatch, drawFromMap, drawOf } from './nft-chance.ts';
import { expressionText } from './nft-text.ts';
import { compare, equals, valueOf } from './nft-value.ts';
import { asList, asObject, asText, type NamedSets, pairsOf, single } from './nft-words.ts';
import { both, type Certainty, type Packet } from './packet.ts';

const SURE: readonly Branch[] = [{ chance: 1, verdict: { kind: 'next' } }];
/** Statements that neither end nor turn a packet's way. */
const PASSING = new Set([
  'counter',
  'log',
  'set',
  'map',
  'meter',
  'dup',
  'flow',
  'ct helper',
  'ct timeout',
  'secmark',
]);

/** Where a rule stands in its evaluation. */
interface State {
  readonly match: Certainty;
  readonly unknown: readonly string[];
  readonly chance: number;
  readonly packet: Packet;
  /** Set once a verdict is reached. */
  readonly branches: readonly Branch[] | undefined;
}

function placeOf(datum: unknown): { readonly ip: string | undefined; readonly port: number | undefined } {
  const [kind, inner] = single(datum);
  const [ip, port] = kind === 'concat' ? asList(inner) : [datum, undefined];
  return {
    ip: typeof ip === 'string' ? canonicalIp(ip) : undefined,
    port: typeof port === 'number' ? port : undefined,
  };
}

function translation(datum: unknown, port: unknown): Verdict {
  const place = placeOf(datum);
  const to = { ip: place.ip, port: place.port ?? (typeof port === 'number' ? port : undefined) };
  const text = `${datum === undefined ? '' : expressionText(datum)}${port === undefined ? '' : `:${expressionText(port)}`}`;
  return { kind: 'dnat', ...to, text };
}

/** `dnat to`: one place, or one of a map by chance or by the packet. */
function dnat(inner: unknown, packet: Packet, sets: NamedSets): readonly Branch[] {
  const { addr, port } = asObject(inner) ?? {};
  const map = asObject(asObject(addr)?.['map']);
  if (map === undefined) return [{ chance: 1, verdict: translation(addr, port) }];
  const draw = drawOf(map['key']);
  const drawn =
    draw === undefined
      ? foundIn(map['key'], map['data'], { packet, sets })
      : drawFromMap(draw, map['data'], sets);
  return (
    drawn?.map(({ chance, datum }) => ({ chance, verdict: translation(datum, port) })) ?? [
      { chance: 1, verdict: { kind: 'unknown', text: expressionText({ dnat: inner }) } },
    ]
  );
}

interface Context {
  readonly packet: Packet;
  readonly sets: NamedSets;
}

/** The datum of a map for the packet; [] if the map has none, undefined if it cannot be told. */
function foundIn(
  key: unknown,
  data: unknown,
  { packet, sets }: Context,
): readonly { readonly chance: number; readonly datum: unknown }[] | undefined {
  const value = valueOf(key, packet);
  for (const [wanted, datum] of pairsOf(data, sets) ?? []) {
    const match = equals(value, wanted, sets);
    if (match === 'maybe') return undefined;
    if (match === 'yes') return [{ chance: 1, datum }];
  }
  return pairsOf(data, sets) === undefined ? undefined : [];
}

function plainVerdict(statement: unknown): Verdict | undefined {
  const [kind, inner] = single(statement);
  const fields = asObject(inner) ?? {};
  switch (kind) {
    case 'accept':
    case 'drop':
    case 'return':
    case 'reject':
      return { kind };
    case 'continue':
      return { kind: 'next' };
    case 'jump':
    case 'goto':
      return { kind, chain: asText(fields['target']) };
    case 'masquerade':
    case 'snat':
      return { kind: 'snat', text: kind === 'snat' ? expressionText(fields['addr']) : "the node's address" };
    case 'redirect':
      return { kind: 'redirect', port: typeof fields['port'] === 'number' ? fields['port'] : undefined };
    case 'queue':
    case 'tproxy':
    case 'synproxy':
      return { kind: 'unknown', text: expressionText(statement) };
  }
  return undefined;
}

function vmap(inner: unknown, state: State, sets: NamedSets): State {
  const { key, data } = asObject(inner) ?? {};
  const draw = drawOf(key);
  const drawn =
    draw === undefined ? foundIn(key, data, { packet: state.packet, sets }) : drawFromMap(draw, data, sets);
  if (drawn?.length === 0) return { ...state, match: 'no' };
  if (drawn !== undefined) {
    const branches = drawn.map(({ chance, datum }) => ({
      chance: chance * state.chance,
      verdict: plainVerdict(datum) ?? { kind: 'unknown' as const, text: expressionText(datum) },
    }));
    return { ...state, branches };
  }
  // It cannot be told which element holds: each of them may.
  const branches = (pairsOf(data, sets) ?? []).map(([, datum]) => ({
    chance: state.chance,
    verdict: plainVerdict(datum) ?? { kind: 'unknown' as const, text: expressionText(datum) },
  }));
  return { ...state, match: 'maybe', unknown: [expressionText({ vmap: inner })], branches };
}

function matched(inner: unknown, state: State, sets: NamedSets): State {
  const { op, left, right } = asObject(inner) ?? {};
  const draw = drawOf(left);
  const chance = draw === undefined ? undefined : chanceOfMatch(draw, { op, right }, sets);
  if (chance === 0) return { ...state, match: 'no' };
  if (chance !== undefined) return { ...state, chance: state.chance * chance };
  const found = draw === undefined ? compare({ op, left, right }, state.packet, sets) : 'maybe';
  const unknown = found === 'maybe' ? [...state.unknown, expressionText({ match: inner })] : state.unknown;
  return { ...state, match: both(state.match, found), unknown };
}

function mangled(inner: unknown, state: State): State {
  const { key, value } = asObject(inner) ?? {};
  if (asObject(asObject(key)?.['meta'])?.['key'] !== 'mark') return state;
  const mark = valueOf(value, state.packet);
  return mark.kind === 'one' && typeof mark.value === 'number'
    ? { ...state, packet: { ...state.packet, mark: mark.value >>> 0 } }
    : state;
}

function step(state: State, statement: unknown, sets: NamedSets): State {
  const [kind, inner] = single(statement);
  switch (kind) {
    case 'match':
      return matched(inner, state, sets);
    case 'vmap':
      return vmap(inner, state, sets);
    case 'mangle':
      return mangled(inner, state);
    case 'notrack':
      return { ...state, packet: { ...state.packet, tracked: false } };
    case 'dnat': {
      const branches = dnat(inner, state.packet, sets);
      return branches.length === 0
        ? { ...state, match: 'no' }
        : { ...state, branches: branches.map((each) => ({ ...each, chance: each.chance * state.chance })) };
    }
  }
  if (PASSING.has(kind)) return state;
  const verdict = plainVerdict(statement);
  if (verdict !== undefined) return { ...state, branches: [{ chance: state.chance, verdict }] };
  // limit, quota, connlimit, xt …: the rest of the rule is reached perhaps.
  return {
    ...state,
    match: both(state.match, 'maybe'),
    unknown: [...state.unknown, expressionText(statement)],
  };
}

/** What a rule says of a packet. */
export function evaluateNft(expressions: readonly unknown[], packet: Packet, sets: NamedSets): Evaluation {
  let state: State = { match: 'yes', unknown: [], chance: 1, packet, branches: undefined };
  for (const statement of expressions) {
    state = step(state, statement, sets);
    if (state.match === 'no') return { match: 'no', unknown: [], branches: [], packet };
    if (state.branches !== undefined) break;
  }
  const { match, unknown, branches = SURE } = state;
  return { match, unknown, branches, packet: state.packet };
}
