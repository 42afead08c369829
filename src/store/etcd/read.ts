/** Owns reading from etcd: listing in pages at one revision, single keys, counts. All reads are linearizable. */
import type { IRangeRequest, IRangeResponse } from 'etcd3';
import { revisionGone, unavailable } from '../failure.ts';
import type { KeyRange, KeyValue, Listing, Store } from '../store.ts';
import { type Budget, startBudget } from '../budget.ts';
import { askAny, ask, type EtcdParts } from './calls.ts';
import type { Codec } from './codec.ts';
import { type Failure, toSluiceError } from './grpc-error.ts';

/** Keys a page. Measured: 100,000 keys take 0.66 s in pages of 5,000, 10 s in pages of 100 (etcd 3.4 counts the rest for each page). */
const PAGE = 5_000;

/** What reading needs. */
export interface Reader {
  readonly parts: EtcdParts;
  readonly codec: Codec;
  /** Told the cluster of every listing of the present, so that a watch notices when it talks to another one. */
  readonly seen: (clusterId: string) => void;
}

/** The reading part of the store. */
export function createReads(reader: Reader): Pick<Store, 'list' | 'get' | 'count'> {
  const { parts, codec } = reader;
  return {
    list: (range, options) =>
      list(reader, { range, revision: options?.revision }, startBudget(parts, options)),
    get: async (key, options) => {
      const request = { key: codec.key(key) };
      const answer = await ask(parts, startBudget(parts, options), (client, deadline) =>
        client.kv.range(request, { deadline }),
      );
      const [kv] = answer.kvs;
      return {
        revision: Number(answer.header.revision),
        item: kv === undefined ? undefined : codec.item(kv),
      };
    },
    count: async (range, options) => {
      const request = { ...codec.range(range), count_only: true };
      const answer = await ask(parts, startBudget(parts, options), (client, deadline) =>
        client.kv.range(request, { deadline }),
      );
      return { revision: Number(answer.header.revision), count: Number(answer.count) };
    },
  };
}

interface ListRequest {
  readonly range: KeyRange;
  readonly revision: number | undefined;
}

/** Without a revision of the caller's a listing that is overtaken by a compaction starts again. */
async function list(reader: Reader, request: ListRequest, budget: Budget): Promise<Listing> {
  for (;;) {
    const result = await listOnce(reader, request, budget);
    if ('items' in result) return result;
    if (result.kind !== 'compacted' && result.kind !== 'future') {
      throw toSluiceError(result, reader.parts.description);
    }
    if (request.revision !== undefined) {
      throw revisionGone(request.revision, { store: reader.parts.description });
    }
    if (budget.remainingMs() <= 0) throw unavailable(result.text, { store: reader.parts.description });
  }
}

async function listOnce(reader: Reader, request: ListRequest, budget: Budget): Promise<Listing | Failure> {
  const { key, range_end } = reader.codec.range(request.range);
  const items: KeyValue[] = [];
  let revision = request.revision;
  let from = key;
  let limit = PAGE;
  for (;;) {
    const pinned = revision === undefined ? {} : { revision };
    const page: IRangeRequest = { key: from, range_end, limit, ...pinned };
    const result = await askAny<IRangeResponse>(reader.parts, budget, (client, deadline) =>
      client.kv.range(page, { deadline }),
    );
    if (!('answer' in result)) {
      if (result.kind !== 'too-large' || limit === 1) return result;
      // Values may be up to 1.5 MiB, so that a page passes what a client may receive.
      limit = Math.ceil(limit / 8);
      continue;
    }
    const { kvs, header, more } = result.answer;
    if (request.revision === undefined) reader.seen(header.cluster_id);
    revision ??= Number(header.revision);
    for (const kv of kvs) items.push(reader.codec.item(kv));
    const last = kvs.at(-1);
    if (!more || last === undefined) return { revision, items };
    from = Buffer.concat([last.key, Buffer.from([0])]);
  }
}
