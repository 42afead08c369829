/**
 * Owns the latest values of the admins' own metrics, as the monitor that leads asks for them: each at its interval, a few at a time, never
 * waited for by a decision. A value that does not come leaves the one before, which grows old.
 */
import { canonicalJson } from '../model/canonical-json.ts';
import type { MetricValue } from '../balance/scaling-readings.ts';
import { SluiceError } from '../errors.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { Service, Stored } from '../model/service.ts';
import type { OwnMetric, ReadMetric } from '../sampling/own-metric.ts';

/** Asked at the same time at most: the others wait for the next look. */
const AT_ONCE = 16;

/** The values. */
export interface OwnMetrics {
  /** Asks for what is due, and gives what is known, by service and name. Does not wait. */
  readonly look: (
    services: ReadonlyMap<string, Stored<Service>>,
  ) => ReadonlyMap<string, ReadonlyMap<string, MetricValue>>;
  /** Ends what is asked, and forgets all values. */
  readonly forget: () => void;
}

/** What is known of one metric. */
interface Asked {
  readonly definition: string;
  readonly startedMs: number;
  value: MetricValue | undefined;
  busy: boolean;
  /** Why no value came last; '' if one did. */
  why: string;
}

/** What they need. */
export interface OwnMetricsOptions {
  readonly read: ReadMetric;
  readonly clock: Clock;
  readonly log: Log;
}

const isOwn = (metric: { readonly kind: string }): metric is OwnMetric =>
  metric.kind === 'exec' || metric.kind === 'http';

/** Nothing is asked yet. */
export function createOwnMetrics({ read, clock, log }: OwnMetricsOptions): OwnMetrics {
  let known = new Map<string, Asked>();
  let stop = new AbortController();

  const ask = async (key: string, metric: OwnMetric, asked: Asked): Promise<void> => {
    asked.busy = true;
    const { signal } = stop;
    let why = '';
    try {
      const value = await read(metric, signal);
      asked.value = { value, arrivedMs: clock.monotonicMs() };
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      why = error.why ?? error.message;
    }
    asked.busy = false;
    if (why !== '' && why !== asked.why && !signal.aborted)
      log.warn('a metric gave no value', { metric: key, why });
    asked.why = why;
  };
  /** What is asked of one metric, anew if it is another one than before. */
  const askedOf = (key: string, metric: OwnMetric): Asked => {
    const definition = canonicalJson({ ...metric });
    const before = known.get(key);
    const isSame = before?.definition === definition;
    const nowMs = clock.monotonicMs();
    if (isSame && (before.busy || nowMs - before.startedMs < metric.intervalSeconds * 1_000)) return before;
    const busy = [...known.values()].filter((one) => one.busy).length;
    if (isSame && busy >= AT_ONCE) return before;
    const value = isSame ? before.value : undefined;
    const asked = { definition, startedMs: nowMs, value, busy: false, why: isSame ? before.why : '' };
    void ask(key, metric, asked);
    return asked;
  };
  return {
    look: (services) => {
      const next = new Map<string, Asked>();
      const values = new Map<string, ReadonlyMap<string, MetricValue>>();
      for (const [service, { value }] of services) {
        const own = (value.policy?.scaling?.metrics ?? []).filter(isOwn);
        if (own.length === 0) continue;
        const found = own.flatMap((metric): readonly (readonly [string, MetricValue])[] => {
          const key = `${service}/${metric.name}`;
          const asked = askedOf(key, metric);
          next.set(key, asked);
          return asked.value === undefined ? [] : [[metric.name, asked.value]];
        });
        values.set(service, new Map(found));
      }
      known = next;
      return values;
    },
    forget: () => {
      stop.abort();
      stop = new AbortController();
      known = new Map();
    },
  };
}
