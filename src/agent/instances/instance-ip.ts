/** Owns what the copy of the store says of an instance's service: its entries, and so which of the node's addresses it listens on. */
import { type Family, familyOf } from '../../model/address.ts';
import type { Entry } from '../../model/entry.ts';
import type { NodeFacts } from '../../model/node.ts';
import { serviceKey } from '../../store/keys.ts';
import { readServiceItem } from '../../store/snapshot.ts';
import type { KeyValue } from '../../store/store.ts';

/** Entries of a service; undefined if nobody knows it. */
export function entriesOf(
  service: string,
  items: ReadonlyMap<string, KeyValue>,
): readonly Entry[] | undefined {
  const item = items.get(serviceKey(service));
  try {
    return item === undefined ? undefined : readServiceItem(service, item).value.entries;
  } catch {
    return undefined;
  }
}

/**
 * The node's first address of the family that the service's entries have (IPv4 if they have both); of a service that nobody knows now, the
 * one that the instance had.
 */
export function instanceIp(
  { addresses }: Pick<NodeFacts, 'addresses'>,
  items: ReadonlyMap<string, KeyValue>,
  { service, before }: { readonly service: string; readonly before?: string | undefined },
): string {
  const families = (entriesOf(service, items) ?? []).flatMap(({ ip }) => familyOf(ip) ?? []);
  if (families.length === 0 && before !== undefined && addresses.includes(before)) return before;
  const family: Family = families.length === 0 || families.includes('ipv4') ? 'ipv4' : 'ipv6';
  return addresses.find((ip) => familyOf(ip) === family) ?? addresses[0] ?? '';
}
