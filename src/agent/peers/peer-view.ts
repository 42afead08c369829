/**
 * Owns what of the store says which nodes there are, where they are, and what live ones say of each other; kept up by what changed. A record that cannot be
 * read counts as one that says nothing (the kernel side and `status` report it).
 */
import { SluiceError } from '../../errors.ts';
import type { Said } from '../../health/votes.ts';
import type { Reaches } from '../../model/node.ts';
import { decodeNode, decodeNodeAlive } from '../../model/records-node.ts';
import type { KeyValue } from '../../store/store.ts';

/** The view, changed in place. */
export interface PeerView {
  /** Takes changed keys from the copy of the store. @returns nodes whose address or marker changed */
  readonly take: (keys: Iterable<string>, items: ReadonlyMap<string, KeyValue>) => ReadonlySet<string>;
  /** Forgets everything, before a full listing is taken. */
  readonly clear: () => void;
  /** Addresses by node, the primary one first; live and silent ones. */
  readonly addresses: ReadonlyMap<string, readonly string[]>;
  /** What each live node says. */
  readonly said: Said;
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SluiceError) return undefined;
    throw error;
  }
}

/** A view of nothing. */
export function peerView(): PeerView {
  const addresses = new Map<string, readonly string[]>();
  const said = new Map<string, Reaches | undefined>();
  const takeFacts = (name: string, item: KeyValue | undefined): void => {
    const facts = item && readable(() => decodeNode(name, item.value).value);
    if (facts === undefined) addresses.delete(name);
    else addresses.set(name, facts.addresses);
  };
  const takeMarker = (name: string, item: KeyValue | undefined): void => {
    if (item === undefined) said.delete(name);
    else
      said.set(
        name,
        readable(() => decodeNodeAlive(name, item.value).value.reaches),
      );
  };
  return {
    take: (keys, items) => {
      const changed = new Set<string>();
      for (const key of keys) {
        const isMarker = key.startsWith('node-alive/');
        if (!isMarker && !key.startsWith('node/')) continue;
        const name = key.slice(key.indexOf('/') + 1);
        (isMarker ? takeMarker : takeFacts)(name, items.get(key));
        changed.add(name);
      }
      return changed;
    },
    clear: () => {
      addresses.clear();
      said.clear();
    },
    addresses,
    said,
  };
}
