/** Owns the writing routes of the store protocol: transactions and leases. */
import { SluiceError } from '../../errors.ts';
import type { Caller } from '../../model/access.ts';
import { grantBody, leaseBody, readRequest, STORE_PATH, transactBody } from '../../store/api/wire.ts';
import type { ServableStore } from '../../store/lease-calls.ts';
import type { GuardedTransaction } from '../../store/resolve.ts';
import type { KeyValue, TransactionResult } from '../../store/store.ts';
import { Outdated } from '../access/before.ts';
import { checkLease, type CheckWrite } from '../access/check-write.ts';
import { notAllowed } from '../access/may-read.ts';
import type { WatchCache } from '../cache/watch-cache.ts';
import type { Exchange, Route } from '../http/route.ts';

/** What writing needs. */
export interface WriteParts {
  readonly store: ServableStore;
  readonly cache: WatchCache;
  readonly checkWrite: CheckWrite;
}

/** The store is given less than the client, so that its answer arrives in time. */
const SHARE_OF_TIME = 0.8;

async function transact({ store, cache, checkWrite }: WriteParts, exchange: Exchange): Promise<unknown> {
  const asked = readRequest(transactBody, await exchange.body());
  const call = { timeoutMs: exchange.timeoutMs * SHARE_OF_TIME };
  const { keysOfLease } = cache;
  const present = { cached: cache.item, read: async (key: string) => store.get(key, call) };
  let sent: GuardedTransaction = asked;
  let result: TransactionResult;
  try {
    sent = await checkWrite(asked, { caller: exchange.caller, present, keysOfLease });
    const { compares, operations } = sent;
    // Without a request key: who asks finds out himself what became of it (resolve.ts), through whichever server he reaches.
    result = await store.transact({ compares, operations }, call);
  } catch (error) {
    if (!(error instanceof Outdated)) throw error;
    result = { kind: 'conflict', revision: error.revision };
  }
  if (result.kind === 'done' || asked.elseGet === undefined) return result;
  const { item } = await store.get(asked.elseGet, call);
  return { ...result, found: item === undefined ? undefined : asWritten(item, asked, sent) };
}

/** What was put under a key as its writer knows it: without what the server added. */
function asWritten(item: KeyValue, asked: GuardedTransaction, sent: GuardedTransaction): KeyValue {
  const isOwn = (operation: GuardedTransaction['operations'][number]): boolean =>
    operation.kind === 'put' && operation.key === item.key;
  const [before, after] = [asked.operations.find(isOwn), sent.operations.find(isOwn)];
  if (before?.kind !== 'put' || after?.kind !== 'put' || item.value !== after.value) return item;
  return { ...item, value: before.value };
}

function checkMayWrite(caller: Caller): void {
  if (caller.role === 'viewer') throw notAllowed(caller, 'use leases', 'this role only reads');
}

/** A lease that is gone already is as good as revoked. */
async function revoke({ store }: WriteParts, lease: string, timeoutMs: number): Promise<void> {
  try {
    await store.leaseCalls.revoke(lease, { timeoutMs });
  } catch (error) {
    if (!(error instanceof SluiceError) || error.details['leaseLost'] !== true) throw error;
  }
}

/** The routes. */
export function storeWriteRoutes(parts: WriteParts): readonly Route[] {
  const { store, cache } = parts;
  const base = { method: 'POST', isOpen: false, query: [] } as const;
  const leaseOf = async ({ caller, body }: Exchange): Promise<string> => {
    const { lease } = readRequest(leaseBody, await body());
    checkLease({ caller, keysOfLease: cache.keysOfLease }, lease);
    return lease;
  };
  return [
    {
      ...base,
      path: `${STORE_PATH}/transact`,
      handle: async (exchange) => ({ kind: 'json', value: await transact(parts, exchange) }),
    },
    {
      ...base,
      path: `${STORE_PATH}/lease/grant`,
      handle: async ({ caller, body, timeoutMs }) => {
        checkMayWrite(caller);
        const { ttlSeconds } = readRequest(grantBody, await body());
        return { kind: 'json', value: await store.leaseCalls.grant(ttlSeconds, { timeoutMs }) };
      },
    },
    {
      ...base,
      path: `${STORE_PATH}/lease/renew`,
      handle: async (exchange) => {
        const { timeoutMs } = exchange;
        const state = await store.leaseCalls.renew(await leaseOf(exchange), { timeoutMs });
        return { kind: 'json', value: { state } };
      },
    },
    {
      ...base,
      path: `${STORE_PATH}/lease/revoke`,
      handle: async (exchange) => {
        await revoke(parts, await leaseOf(exchange), exchange.timeoutMs);
        return { kind: 'json', value: {} };
      },
    },
  ];
}
