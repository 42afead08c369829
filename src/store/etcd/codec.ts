/** Owns the translation between the store's words and etcd's messages, prefix included. Pure; must not know connections. */
import type { ICompare, IEvent, IKeyValue, IRequestOp } from 'etcd3';
import type { Compare, KeyRange, KeyValue, Operation, StoreEvent } from '../store.ts';

/** Keys with a prefix to bytes, and back. */
export interface Codec {
  readonly key: (key: string) => Buffer;
  readonly range: (range: KeyRange) => { readonly key: Buffer; readonly range_end: Buffer };
  readonly item: (kv: IKeyValue) => KeyValue;
  readonly event: (event: IEvent) => StoreEvent;
  readonly compare: (compare: Compare) => ICompare;
  readonly operation: (operation: Operation) => IRequestOp;
}

/** Translation for a prefix such as `/sluice/v1/`. */
export function createCodec(prefix: string): Codec {
  const key = (text: string): Buffer => Buffer.from(prefix + text);
  const range = (of: KeyRange): { key: Buffer; range_end: Buffer } => ({
    key: key(of.start),
    range_end: key(of.end),
  });
  const prefixBytes = Buffer.byteLength(prefix);
  // Not a slice of a text, which would keep the whole.
  const bare = (bytes: Buffer): string => bytes.toString('utf8', prefixBytes);
  const item = (kv: IKeyValue): KeyValue => ({
    key: bare(kv.key),
    value: kv.value.toString(),
    createRevision: Number(kv.create_revision),
    modRevision: Number(kv.mod_revision),
    version: Number(kv.version),
    ...(kv.lease === '0' ? {} : { lease: kv.lease }),
  });
  return {
    key,
    range,
    item,
    event: ({ type, kv }) =>
      type === 'Delete'
        ? { kind: 'delete', key: bare(kv.key), revision: Number(kv.mod_revision) }
        : { kind: 'put', item: item(kv) },
    compare: (compare) => {
      if (compare.kind === 'mod-revision') {
        return { key: key(compare.key), result: 'Equal', target: 'Mod', mod_revision: compare.equals };
      }
      if (compare.kind === 'create-revision') {
        return { key: key(compare.key), result: 'Equal', target: 'Create', create_revision: compare.equals };
      }
      // Every key of the range must satisfy it; an empty range counts as one key of revision 0.
      const unchanged = { result: 'Less', target: 'Mod', mod_revision: compare.revision + 1 } as const;
      return { ...range(compare.range), ...unchanged };
    },
    operation: (operation) => {
      if (operation.kind === 'delete') return { request_delete_range: { key: key(operation.key) } };
      if (operation.kind === 'delete-range') return { request_delete_range: range(operation.range) };
      const value = Buffer.from(operation.value);
      const lease = operation.lease === undefined ? {} : { lease: operation.lease };
      return { request_put: { key: key(operation.key), value, ...lease } };
    },
  };
}
