/** Owns what the API server counts. */
import { createMetricSet } from '../observe/metric-set.ts';

/** What is told from outside when somebody asks. */
export interface Levels {
  readonly connections: number;
  readonly watchers: number;
  readonly revision: number;
  readonly keys: number;
  readonly connected: boolean;
}

/** The counters. */
export interface Metrics {
  /** A request was answered; `route` is '' where there is none. */
  readonly answered: (route: string, status: number, seconds: number) => void;
  /** Prometheus' text. */
  readonly text: () => Promise<string>;
  /** Type of the text. */
  readonly type: string;
}

/** Counters at zero, in a registry of their own. */
export function createMetrics(levels: () => Levels): Metrics {
  const set = createMetricSet({ figures: 'all' });
  const count = set.counter({
    name: 'sluice_api_requests_total',
    help: 'Requests answered',
    labels: ['route', 'status'],
  });
  const observe = set.histogram({
    name: 'sluice_api_request_seconds',
    help: 'Time from a request to its answer, or to the begin of an answer that lasts',
    labels: ['route'],
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5],
  });
  const gauges: readonly (readonly [string, string, (now: Levels) => number])[] = [
    ['sluice_api_connections', 'Open connections', (now) => now.connections],
    ['sluice_api_watchers', 'Watches that are told of changes', (now) => now.watchers],
    ['sluice_api_cache_revision', 'Revision of the copy of the store', (now) => now.revision],
    ['sluice_api_cache_keys', 'Keys in the copy of the store', (now) => now.keys],
    ['sluice_api_store_connected', '1 while the store is followed', (now) => (now.connected ? 1 : 0)],
  ];
  for (const [name, help, read] of gauges) set.gauge({ name, help }, () => read(levels()));
  return {
    answered: (route, status, took) => {
      count({ route, status: String(status) });
      observe(took, { route });
    },
    text: set.text,
    type: set.type,
  };
}
