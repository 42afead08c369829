/**
 * Owns publishing samples of this node under a leased key, so that a node that falls silent has none. Without a lease nothing is sampled: while
 * the store is away that costs nothing, and samples are skipped, never queued.
 */
import { SluiceError } from '../errors.ts';
import type { Log } from '../host/log.ts';
import { encodeLoad } from '../model/load.ts';
import { loadKey } from '../store/keys.ts';
import type { Lease, Store } from '../store/store.ts';
import { sampleNode, type Sampled, type SamplingDeps } from './sample-node.ts';

/** Time between two samples where nobody says another. */
const BEAT_MS = 2_000;
/** How long the last sample of a silent node stays. */
export const LOAD_TTL_SECONDS = 10;
const RETRY_FIRST_MS = 200;
const RETRY_LAST_MS = 5_000;

/** What the loop needs. */
export interface SamplingOptions {
  readonly store: Store;
  /** Of this loop alone; closed with it (open.ts). */
  readonly deps: SamplingDeps;
  readonly log: Log;
  /** Time between two samples. Whoever reads them believes none that is older than 6 s. */
  readonly everyMs?: number | undefined;
}

/** The running loop. */
export interface Sampling {
  /** Stops, and gives the lease up; bounded by 1 s, never throws. */
  readonly close: () => Promise<void>;
}

/** Writes a thing once on the log, and again when it is another or was well in between. */
function onceEach(log: Log): (what: string, problems: readonly string[]) => void {
  const last = new Map<string, string>();
  return (what, problems) => {
    const why = problems.join('; ');
    if (why !== (last.get(what) ?? '') && why !== '') log.warn(what, { why });
    last.set(what, why);
  };
}

const whyOf = (error: SluiceError): string => error.why ?? error.message;

/** One beat after another as long as the lease holds; a beat that took too long takes the place of the next. */
async function beat(
  { store, deps, log, everyMs = BEAT_MS }: SamplingOptions,
  lease: Lease,
  say: ReturnType<typeof onceEach>,
): Promise<void> {
  const { clock, node } = deps;
  let previous: Sampled | undefined;
  let dueMs = clock.monotonicMs();
  while (!lease.lost.aborted) {
    previous = await sampleNode(deps, previous);
    say('not everything can be measured', previous.problems);
    if (lease.lost.aborted) return;
    try {
      const value = encodeLoad(previous.load);
      const put = { kind: 'put', key: loadKey(node), value, lease: lease.id } as const;
      await store.transact({ compares: [], operations: [put] }, { timeoutMs: everyMs });
      say('samples cannot be written', []);
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      if (error.details['leaseLost'] === true) return;
      say('samples cannot be written', [whyOf(error)]);
    }
    const passedMs = clock.monotonicMs() - dueMs;
    dueMs += everyMs * Math.max(1, Math.ceil(passedMs / everyMs));
    await clock.sleep(Math.max(0, dueMs - clock.monotonicMs()), lease.lost);
  }
  log.debug('the lease of the samples ended', { node });
}

/** Starts; goes on by itself whatever the store does, until closed. */
export function startSampling(options: SamplingOptions): Sampling {
  const { store, deps, log } = options;
  const { clock } = deps;
  const closing = new AbortController();
  const say = onceEach(log);
  let lease: Lease | undefined;

  const liveOnce = async (): Promise<void> => {
    lease = await store.grantLease(LOAD_TTL_SECONDS, { signal: closing.signal });
    try {
      say('samples are not published', []);
      if (!closing.signal.aborted) await beat(options, lease, say);
    } finally {
      await lease.revoke();
    }
  };
  const live = async (): Promise<void> => {
    let retryMs = RETRY_FIRST_MS;
    while (!closing.signal.aborted) {
      const startedMs = clock.monotonicMs();
      try {
        await liveOnce();
      } catch (error) {
        const why = error instanceof SluiceError ? whyOf(error) : String(error);
        if (!closing.signal.aborted) say('samples are not published', [why]);
      }
      if (clock.monotonicMs() - startedMs > RETRY_LAST_MS) retryMs = RETRY_FIRST_MS;
      await clock.sleep(retryMs, closing.signal);
      retryMs = Math.min(retryMs * 2, RETRY_LAST_MS);
    }
  };
  const living = live();
  return {
    close: async () => {
      closing.abort();
      const bound = new AbortController();
      await Promise.race([Promise.all([lease?.revoke(), living]), clock.sleep(1_000, bound.signal)]);
      bound.abort();
      deps.close();
    },
  };
}
