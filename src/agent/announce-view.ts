/**
 * Owns what of the store decides who answers for announced entries: announced addresses, claims, live nodes with their networks; kept up by
 * what changed. A record that cannot be read counts as one that says nothing (the kernel side and `status` report it).
 */
import { SluiceError } from '../errors.ts';
import { decodeHolder, decodeNode } from '../model/records-node.ts';
import { decodeService } from '../model/records-service.ts';
import type { AnnounceFacts, Claim } from '../rules/announcement.ts';
import type { KeyValue } from '../store/store.ts';

/** The view, changed in place. */
export interface AnnounceView {
  /** Takes changed keys from the copy of the store; true if anything that matters changed. */
  readonly take: (keys: Iterable<string>, items: ReadonlyMap<string, KeyValue>) => boolean;
  /** Forgets everything, before a full listing is taken. */
  readonly clear: () => void;
  readonly facts: () => AnnounceFacts;
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SluiceError) return undefined;
    throw error;
  }
}

function announcedBy(name: string, item: KeyValue): readonly string[] | undefined {
  // Most services are not announced: those cost no decoding.
  if (!item.value.includes('"announce"')) return undefined;
  const service = readable(() => decodeService(name, item.value).value);
  return service?.announce === true ? [...new Set(service.entries.map(({ ip }) => ip))] : undefined;
}

function claimOf(ip: string, { value, lease, modRevision }: KeyValue): Claim | undefined {
  const holder = readable(() => decodeHolder(ip, value).value);
  return holder === undefined ? undefined : { node: holder.node, lease, modRevision };
}

function put<T>(map: Map<string, T>, key: string, value: T | undefined): boolean {
  if (value === undefined) return map.delete(key);
  map.set(key, value);
  return true;
}

/** A view of nothing. */
export function announceView(): AnnounceView {
  const services = new Map<string, readonly string[]>();
  const claims = new Map<string, Claim>();
  const networks = new Map<string, readonly string[]>();
  const alive = new Set<string>();

  const takeOne = (key: string, item: KeyValue | undefined): boolean => {
    const slash = key.indexOf('/');
    const name = key.slice(slash + 1);
    switch (key.slice(0, slash)) {
      case 'service':
        return put(services, name, item && announcedBy(name, item));
      case 'holder':
        return put(claims, name, item && claimOf(name, item));
      case 'node':
        return put(networks, name, item && readable(() => decodeNode(name, item.value).value.networks ?? []));
      case 'node-alive':
        if (item === undefined) alive.delete(name);
        else alive.add(name);
        return true;
      default:
        return false;
    }
  };

  return {
    take: (keys, items) => {
      let changed = false;
      for (const key of keys) if (takeOne(key, items.get(key))) changed = true;
      return changed;
    },
    clear: () => {
      for (const map of [services, claims, networks, alive]) map.clear();
    },
    facts: () => ({
      announced: new Set([...services.values()].flat()),
      claims,
      networks: new Map([...networks].filter(([node]) => alive.has(node))),
    }),
  };
}
