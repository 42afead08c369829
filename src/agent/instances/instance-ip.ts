/** Owns which of the node's addresses an instance listens on. */
import { type Family, familyOf } from '../../model/address.ts';
import type { NodeFacts } from '../../model/node.ts';
import { serviceKey } from '../../store/keys.ts';
import { readServiceItem } from '../../store/snapshot.ts';
import type { KeyValue } from '../../store/store.ts';

/** Families of a service's entries; none if nobody knows it. */
function familiesOf(service: string, item: KeyValue | undefined): readonly Family[] {
  if (item === undefined) return [];
  try {
    return readServiceItem(service, item).value.entries.flatMap(({ ip }) => familyOf(ip) ?? []);
  } catch {
    return [];
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
  const families = familiesOf(service, items.get(serviceKey(service)));
  if (families.length === 0 && before !== undefined && addresses.includes(before)) return before;
  const family: Family = families.length === 0 || families.includes('ipv4') ? 'ipv4' : 'ipv6';
  return addresses.find((ip) => familyOf(ip) === family) ?? addresses[0] ?? '';
}
