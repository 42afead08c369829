/** Owns chances in nftables rules: what part of new connections `numgen` and hashes of the client send which way. Pure. */
import {
  asList,
  asNumber,
  asObject,
  asText,
  type NamedSets,
  pairsOf,
  elementsOf,
  single,
} from './nft-words.ts';

/** A number drawn uniformly from `offset` to `offset + mod - 1`: by chance, in turn, or from a hash of the client. */
export interface Draw {
  readonly mod: number;
  readonly offset: number;
}

/** The draw that an expression makes; undefined if it makes none. Over many clients a hash is as even as a draw. */
export function drawOf(expression: unknown): Draw | undefined {
  const [kind, inner] = single(expression);
  if (kind !== 'numgen' && kind !== 'jhash' && kind !== 'symhash') return undefined;
  const fields = asObject(inner);
  const mod = asNumber(fields?.['mod']);
  return mod === undefined || mod < 1 ? undefined : { mod, offset: asNumber(fields?.['offset']) ?? 0 };
}

function boundsOf(value: unknown): readonly [number, number] | undefined {
  const range = asObject(value)?.['range'];
  const [first, last = first] = range === undefined ? [value] : asList(range);
  return typeof first === 'number' && typeof last === 'number' ? [first, last] : undefined;
}

/** Part of the draw that lies between two numbers, both included. */
function partWithin({ mod, offset }: Draw, [first, last]: readonly [number, number]): number {
  const count = Math.min(last, offset + mod - 1) - Math.max(first, offset) + 1;
  return Math.max(0, count) / mod;
}

/** Chance that `draw op right` holds; undefined if it cannot be told. */
export function chanceOfMatch(
  draw: Draw,
  comparison: { readonly op: unknown; readonly right: unknown },
  sets: NamedSets,
): number | undefined {
  const { op, right } = comparison;
  const elements = elementsOf(right, sets)?.map(boundsOf);
  if (elements === undefined) return undefined;
  const bounds = elements.filter((each) => each !== undefined);
  if (bounds.length !== elements.length) return undefined;
  const equal = bounds.reduce((sum, each) => sum + partWithin(draw, each), 0);
  const limit = bounds[0]?.[0] ?? 0;
  switch (asText(op)) {
    case '==':
    case 'in':
      return equal;
    case '!=':
      return 1 - equal;
    case '<':
      return partWithin(draw, [-Infinity, limit - 1]);
    case '<=':
      return partWithin(draw, [-Infinity, limit]);
    case '>':
      return partWithin(draw, [limit + 1, Infinity]);
    case '>=':
      return partWithin(draw, [limit, Infinity]);
  }
  return undefined;
}

/** What a map gives for a draw: each datum with its chance; undefined if the map cannot be read. */
export function drawFromMap(
  draw: Draw,
  data: unknown,
  sets: NamedSets,
): readonly { readonly chance: number; readonly datum: unknown }[] | undefined {
  const pairs = pairsOf(data, sets);
  if (pairs === undefined) return undefined;
  const drawn = pairs.map(([key, datum]) => {
    const bounds = boundsOf(key);
    return bounds === undefined ? undefined : { chance: partWithin(draw, bounds), datum };
  });
  const known = drawn.filter((each) => each !== undefined);
  return known.length === drawn.length ? known.filter(({ chance }) => chance > 0) : undefined;
}
