/** Owns what the store says of this node's instances, and how that differs from what they are: which must not be in the rules here. */
import type { Instance, InstanceState } from '../../model/service.ts';
import { instanceKey } from '../../store/keys.ts';
import { readInstanceItem } from '../../store/snapshot.ts';
import type { KeyValue } from '../../store/store.ts';
import type { Withdrawn } from '../withdrawn.ts';
import { stateOf } from './phase-views.ts';
import type { Worker } from './worker.ts';

/** `service/id`: the name of an instance in keys and maps. */
export const nameOf = ({ service, id }: { readonly service: string; readonly id: string }): string =>
  `${service}/${id}`;

const keyOf = ({ service, id }: Instance): string => instanceKey(service, id);

/** A record that was changed or deleted. */
export interface RecordChange {
  readonly service: string;
  readonly id: string;
  /** 0: deleted. */
  readonly modRevision: number;
}

/** The node's managed instances as the store has them. */
export interface OwnRecords {
  /** By `service/id`. */
  readonly records: ReadonlyMap<string, Instance>;
  /** True after the first listing. */
  readonly listed: () => boolean;
  /** Takes what the copy holds now of the keys that changed (undefined: of all). @returns what changed of this node's */
  readonly take: (
    items: ReadonlyMap<string, KeyValue>,
    keys: readonly string[] | undefined,
  ) => readonly RecordChange[];
}

/** Keeps the records of one node. One that cannot be read is told by the kernel side; what was known of it stays. */
export function ownRecords(node: string): OwnRecords {
  const records = new Map<string, Instance>();
  let listed = false;

  /** @returns true if something of this node's changed */
  const takeOne = (service: string, id: string, item: KeyValue | undefined): boolean => {
    const name = nameOf({ service, id });
    if (item === undefined) return records.delete(name);
    try {
      const { value } = readInstanceItem(service, item);
      if (value.node !== node || value.origin !== 'managed') return false;
      records.set(name, value);
      return true;
    } catch {
      return records.has(name);
    }
  };

  return {
    records,
    listed: () => listed,
    take: (items, keys) => {
      listed = true;
      const changes: RecordChange[] = [];
      for (const key of keys ?? new Set([...items.keys(), ...[...records.values()].map(keyOf)])) {
        const [family, service = '', ...rest] = key.split('/');
        if (family !== 'instance') continue;
        const id = rest.join('/');
        const item = items.get(key);
        if (takeOne(service, id, item)) changes.push({ service, id, modRevision: item?.modRevision ?? 0 });
      }
      return changes;
    },
  };
}

/** Which instances are not ready; one that is ready at another address than its record says is dead there. */
export function withdrawnOf(
  workers: Iterable<Pick<Worker, 'service' | 'id' | 'life' | 'order'>>,
  records: OwnRecords['records'],
): Withdrawn {
  const withdrawn = new Map<string, Map<string, InstanceState>>();
  for (const { service, id, life, order } of workers) {
    const state = stateOf(life);
    const record = records.get(nameOf({ service, id }));
    const moved = record !== undefined && (record.port !== order?.port || record.ip !== order.ip);
    if (state === 'ready' && !moved) continue;
    const states = withdrawn.get(service) ?? new Map<string, InstanceState>();
    withdrawn.set(service, states.set(id, moved && state === 'ready' ? 'failed' : state));
  }
  return withdrawn;
}
