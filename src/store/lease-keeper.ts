/** Owns keeping a lease alive, for every store alike: renew at TTL/3, give up at 0.7 × TTL. Must not know how a renewal travels. */
import type { Clock } from '../host/clock.ts';
import type { Lease } from './store.ts';

/**
 * Part of the TTL after the last acknowledged renewal at which the holder must stop acting: the server lets the lease
 * go at 1.0, and the 0.3 between is the margin that keeps two holders apart.
 */
const LOST_AFTER = 0.7;

/** What a lease keeper needs of a store. */
export interface LeasePort {
  readonly clock: Clock;
  readonly id: string;
  readonly ttlSeconds: number;
  /** Monotonic time at which the request for the lease was sent. */
  readonly grantedAtMs: number;
  /** Renews once within `timeoutMs`: `gone` if the server no longer knows the lease. Throws if it could not be asked. */
  readonly renew: (timeoutMs: number) => Promise<'renewed' | 'gone'>;
  /** Gives the lease up at the server; bounded by 1 s by the keeper. */
  readonly revoke: () => Promise<void>;
  /** Ends the keeping without revoking, when the store is closed. */
  readonly closed: AbortSignal;
}

/** Starts keeping a granted lease alive. */
export function keepLease(port: LeasePort): Lease {
  const { clock } = port;
  const ttlMs = port.ttlSeconds * 1000;
  const lost = new AbortController();
  const stop = lost.signal;
  // Without renewals nobody may act on the lease any more.
  port.closed.addEventListener('abort', () => lost.abort(), { once: true, signal: stop });
  if (port.closed.aborted) lost.abort();
  let renewedAtMs = port.grantedAtMs;
  const leftMs = (): number => renewedAtMs + LOST_AFTER * ttlMs - clock.monotonicMs();

  const watchdog = async (): Promise<void> => {
    while (!stop.aborted && leftMs() > 0) await clock.sleep(leftMs(), stop);
    lost.abort();
  };
  const renewals = async (): Promise<void> => {
    const untilDueMs = (): number => Math.max(0, renewedAtMs + ttlMs / 3 - clock.monotonicMs());
    await clock.sleep(untilDueMs(), stop);
    while (!stop.aborted) {
      const sentAtMs = clock.monotonicMs();
      const timeoutMs = Math.max(50, Math.min(ttlMs / 3, leftMs()));
      const answer = await port.renew(timeoutMs).catch(() => 'failed' as const);
      if (answer === 'gone') lost.abort();
      if (answer === 'renewed') renewedAtMs = sentAtMs;
      await clock.sleep(answer === 'renewed' ? untilDueMs() : Math.max(50, ttlMs / 20), stop);
    }
  };
  void watchdog();
  void renewals();

  let revoking: Promise<void> | undefined;
  const revoke = async (): Promise<void> => {
    lost.abort();
    const ended = new AbortController();
    const bounded = clock.sleep(1_000, ended.signal);
    await Promise.race([port.revoke().catch(() => undefined), bounded]);
    ended.abort();
  };
  return {
    id: port.id,
    ttlSeconds: port.ttlSeconds,
    lost: lost.signal,
    revoke: () => (revoking ??= revoke()),
    letGo: () => lost.abort(),
  };
}
