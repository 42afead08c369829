/**
 * Owns taking a lock of the whole cluster: a leased key that one writer at a time can create. Whoever dies loses it within seconds; whoever
 * is cut off must stop when `lost` aborts, which is well before another can have it.
 */
import { SluiceError } from '../errors.ts';
import { formatAge } from '../model/duration.ts';
import { decodeLock, encodeLock, type Lock } from '../model/lock.ts';
import { timeMs } from '../model/time.ts';
import { lockKey } from '../store/keys.ts';
import { whyInvalid } from '../store/snapshot.ts';
import type { Lease, Store } from '../store/store.ts';
import type { WriteDeps } from './deps.ts';

/** A holder that died is still taken for one for so long. */
const LOCK_TTL_SECONDS = 10;
/** Between two tries while another holds it. */
const TRY_EVERY_MS = 250;

/** A lock that is held. */
export interface HeldLock {
  /** Aborted when it must be taken as lost. */
  readonly lost: AbortSignal;
  /** Gives it up; bounded by 1 s, never throws. */
  readonly release: () => Promise<void>;
}

/** What taking a lock needs. */
export interface LockOptions {
  readonly scope: string;
  readonly pid: number;
  /** How long to wait for another holder; 0: not at all. */
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Who holds a lock; undefined: nobody, or nobody that can be read. @throws SluiceError `unavailable`, `permission` */
export async function readLock(
  store: Store,
  scope: string,
  signal: AbortSignal | undefined,
): Promise<Lock | undefined> {
  const { item } = await store.get(lockKey(scope), { signal });
  if (item === undefined) return undefined;
  try {
    return decodeLock(scope, item.value).value;
  } catch (error) {
    whyInvalid(error);
    return undefined;
  }
}

/** True if the key was written; false if another has it. */
async function writeKey(store: Store, lease: Lease, lock: Lock): Promise<boolean> {
  const key = lockKey(lock.scope);
  try {
    const answer = await store.transact({
      compares: [{ kind: 'create-revision', key, equals: 0 }],
      operations: [{ kind: 'put', key, value: encodeLock(lock), lease: lease.id }],
    });
    return answer.kind === 'done';
  } catch (error) {
    if (!(error instanceof SluiceError && error.code === 'unknown')) throw error;
    // The lease says whose it is: nobody else has it.
    return (await store.get(key)).item?.lease === lease.id;
  }
}

async function tryOnce(deps: WriteDeps, { scope, pid }: LockOptions): Promise<HeldLock | undefined> {
  const lease = await deps.store.grantLease(LOCK_TTL_SECONDS);
  const lock: Lock = { scope, pid, since: deps.clock.now().toISOString(), ...deps.origin };
  let isHeld = false;
  try {
    isHeld = await writeKey(deps.store, lease, lock);
  } finally {
    if (!isHeld) await lease.revoke();
  }
  return isHeld ? { lost: lease.lost, release: lease.revoke } : undefined;
}

/** Words for a lock that is held: `held by ann on web-1 (pid 4711) for 12s: sluice rebalance --all`. */
function holderText(holder: Lock | undefined, nowMs: number): string {
  if (holder === undefined) return 'its holder cannot be read';
  const { actor, host, pid, command, since } = holder;
  const age = formatAge(nowMs - (timeMs(since) ?? nowMs));
  return `held by ${actor} on ${host} (pid ${pid}) for ${age}: ${command}`;
}

/**
 * Takes a lock.
 * @throws SluiceError `locked` naming the holder, `interrupted`, `unavailable`, `permission`
 */
export async function takeLock(deps: WriteDeps, options: LockOptions): Promise<HeldLock> {
  const { clock, store } = deps;
  const { scope, waitMs, signal } = options;
  const untilMs = clock.monotonicMs() + waitMs;
  for (;;) {
    if (signal?.aborted === true)
      throw new SluiceError('interrupted', `stopped while waiting for lock ${scope}`);
    // Asking is cheap; a lease is only taken where there is a chance.
    const { item } = await store.get(lockKey(scope), { signal });
    const held = item === undefined ? await tryOnce(deps, options) : undefined;
    if (held !== undefined) return held;
    const leftMs = untilMs - clock.monotonicMs();
    if (leftMs <= 0) break;
    await clock.sleep(Math.min(TRY_EVERY_MS, leftMs), signal);
  }
  const holder = await readLock(store, scope, signal);
  throw new SluiceError('locked', `lock ${scope} is taken`, {
    why: holderText(holder, clock.now().getTime()),
    fix: 'try again later, or wait for it with --lock-timeout; it goes within 10 s when its holder dies',
    details: { scope, holder },
  });
}
