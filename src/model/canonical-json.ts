/** Owns canonical JSON: equal data, equal bytes. Pure. */

/**
 * The value with the keys of every object in byte order of UTF-16; keys whose value is undefined are left out by JSON. What is in order already is
 * not copied: what is written every few seconds is made in order.
 */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  if (isInOrder(value)) return value;
  const pairs = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  // fromEntries defines properties, so that a key `__proto__` stays a plain key.
  return Object.fromEntries(pairs.map(([key, item]) => [key, sorted(item)]));
}

/** True if the keys of an object and of all in it are in order. */
function isInOrder(value: object): boolean {
  let last = '';
  return Object.keys(value).every((key) => {
    if (key < last) return false;
    last = key;
    const item: unknown = Reflect.get(value, key);
    return typeof item !== 'object' || item === null || (!Array.isArray(item) && isInOrder(item));
  });
}

/** JSON in one line with sorted keys. The value must be JSON data of bounded depth. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value));
}

/** True if objects and lists are nested at most `depth` deep: recursion over the value is then safe. */
export function isNestedWithin(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth === 0) return false;
  return Object.values(value).every((item) => isNestedWithin(item, depth - 1));
}
