/** Owns the hash of installed rules: equal on all nodes that hold equal rules in one layout, whatever the iptables variant. Pure. */
import { createHash } from 'node:crypto';

/** Rendered chains of one family, by name. */
type RenderedChains = ReadonlyMap<string, readonly string[]>;

const digests = new WeakMap<readonly string[], string>();

function digestOf(lines: readonly string[]): string {
  const known = digests.get(lines);
  if (known !== undefined) return known;
  const digest = createHash('sha256').update(lines.join('\n')).digest('base64');
  digests.set(lines, digest);
  return digest;
}

/**
 * SHA-256 in hex over the rendered chains of each family that has entries. Families without entries do not count, so that a node that
 * still holds the empty permanent chains of one has the hash of a node that never had them.
 * @param families rendered chains, IPv4 first
 */
export function rulesHash(families: readonly RenderedChains[]): string {
  const text: string[] = [];
  for (const chains of families) {
    text.push('*nat');
    for (const [name, lines] of chains) text.push(name, digestOf(lines));
  }
  return createHash('sha256').update(text.join('\n')).digest('hex');
}
