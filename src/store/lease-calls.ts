/** Owns the single calls that leases are made of, for every store alike, and joining them to a lease that is kept. Must not know how a call travels. */
import type { Clock } from '../host/clock.ts';
import { keepLease } from './lease-keeper.ts';
import type { CallOptions, Lease, Store } from './store.ts';

/** A lease as the server gave it. */
export interface GrantedLease {
  readonly id: string;
  /** May be more than was asked for: etcd raises a TTL below its minimum of about 2 s. */
  readonly ttlSeconds: number;
}

/** The calls. All throw `SluiceError` as a Store does. */
export interface LeaseCalls {
  /** A grant whose answer is lost is asked again: the first one runs out by itself. */
  readonly grant: (ttlSeconds: number, options?: CallOptions) => Promise<GrantedLease>;
  /** Renews once: `gone` if the server no longer knows the lease. */
  readonly renew: (lease: string, options?: CallOptions) => Promise<'renewed' | 'gone'>;
  readonly revoke: (lease: string, options?: CallOptions) => Promise<void>;
}

/** A store that can be served to others: their leases are kept by themselves, through whichever server they reach. */
export interface ServableStore extends Store {
  readonly leaseCalls: LeaseCalls;
}

/**
 * Takes a lease and keeps it.
 * @param closed ends the keeping without revoking, when the store is closed
 * @throws SluiceError
 */
export async function grantKept(
  calls: LeaseCalls,
  ttlSeconds: number,
  {
    clock,
    closed,
    call,
  }: { readonly clock: Clock; readonly closed: AbortSignal; readonly call: CallOptions | undefined },
): Promise<Lease> {
  const grantedAtMs = clock.monotonicMs();
  const granted = await calls.grant(ttlSeconds, call);
  return keepLease({
    clock,
    ...granted,
    grantedAtMs,
    renew: (timeoutMs) => calls.renew(granted.id, { timeoutMs }),
    revoke: () => calls.revoke(granted.id, { timeoutMs: 1_000 }),
    closed,
  });
}
