/** Owns the shape of `nft -j` output as far as it is read here: unknown JSON into checked parts. Pure. */

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** The value as an object, or undefined. */
export function asObject(value: unknown): Json | undefined {
  return isObject(value) ? value : undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value as a list; anything else is a list of itself, nothing an empty one. */
export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}

/** The value as text, or ''. */
export const asText = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';

/** The value as a number, or undefined. */
export const asNumber = (value: unknown): number | undefined =>
  typeof value === 'number' ? value : undefined;

/** The one key of an object with its value: `{"accept":null}` → ['accept', null]. */
export function single(value: unknown): readonly [string, unknown] {
  return Object.entries(asObject(value) ?? {})[0] ?? ['', undefined];
}

/** An element of a set without its timeout, counter and comment. */
export function elementOf(value: unknown): unknown {
  const element = asObject(asObject(value)?.['elem']);
  return element === undefined ? value : element['val'];
}

/** Named sets and maps of one table, by name: their elements. */
export interface NamedSets {
  readonly get: (name: string) => readonly unknown[] | undefined;
}

/** The elements that `{"set": […]}`, `@name` or a bare value stand for; undefined if there is no such set. */
export function elementsOf(value: unknown, sets: NamedSets): readonly unknown[] | undefined {
  if (typeof value === 'string' && value.startsWith('@')) return sets.get(value.slice(1));
  const set = asObject(value)?.['set'];
  return set === undefined ? [value] : asList(set);
}

/** Pairs of a map. */
export function pairsOf(
  value: unknown,
  sets: NamedSets,
): readonly (readonly [key: unknown, value: unknown])[] | undefined {
  return elementsOf(value, sets)?.map((pair) => {
    const [key, data] = asList(pair);
    return [elementOf(key), data] as const;
  });
}
