/**
 * Owns which nodes ask which for signs of life: each is asked by a few others that everybody computes alike by rendezvous hashing (Thaler and
 * Ravishankar 1998), so that nobody has to hand out the work. Pure.
 */

/** So many others ask a node: two must agree, and one may be down itself. */
const PROBERS = 3;

/** FNV-1a: this is no security, and 500 nodes are 250,000 pairs. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at += 1) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** The score of a pair: the finalizer of MurmurHash3 over both hashes. */
function scoreOf(node: number, prober: number): number {
  let mixed = node ^ Math.imul(prober, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

interface Hashed {
  readonly name: string;
  readonly hash: number;
}

const hashed = (names: Iterable<string>): readonly Hashed[] =>
  [...new Set(names)].toSorted().map((name) => ({ name, hash: hashOf(name) }));

/** True if fewer than `PROBERS` others stand before this one. */
function isAmongFirst(self: Hashed, node: Hashed, probers: readonly Hashed[]): boolean {
  const own = scoreOf(node.hash, self.hash);
  let before = 0;
  for (const { name, hash } of probers) {
    if (name === node.name || name === self.name) continue;
    const score = scoreOf(node.hash, hash);
    if (score > own || (score === own && name < self.name)) before += 1;
    if (before >= PROBERS) return false;
  }
  return true;
}

/**
 * The nodes that this one is to ask, sorted.
 * @param alive those that ask, this one or not
 * @param nodes those that are asked
 */
export function probeTargets(
  self: string,
  { alive, nodes }: { readonly alive: Iterable<string>; readonly nodes: Iterable<string> },
): readonly string[] {
  const probers = hashed(alive);
  const own: Hashed = { name: self, hash: hashOf(self) };
  return hashed(nodes)
    .filter((node) => node.name !== self && isAmongFirst(own, node, probers))
    .map(({ name }) => name);
}
