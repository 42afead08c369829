/** Owns the figures of a daemon: none unless --listen asks for them; then they are told as long as the daemon runs. */
import type { Log } from '../host/log.ts';
import type { MetricSet } from '../observe/metric-set.ts';
import { parseListen } from './listen-address.ts';

/** What a good address looks like. */
const METRICS_EXAMPLE = '127.0.0.1:9107';

/** What is asked for. */
export interface Observed<M> {
  /** As typed; undefined: no figures. */
  readonly listen: string | undefined;
  readonly log: Log;
  readonly meterOn: (set: MetricSet) => M;
}

/**
 * Runs a daemon with its figures told beside it. Without --listen nothing of it is loaded.
 * @throws SluiceError `config` for an address that is none or cannot be had, and what the daemon throws
 */
export async function withFigures<M>(
  { listen, log, meterOn }: Observed<M>,
  daemon: (meter: M | undefined) => Promise<void>,
): Promise<void> {
  if (listen === undefined) return daemon(undefined);
  const address = parseListen(listen, METRICS_EXAMPLE);
  const [{ createMetricSet }, { serveMetrics }] = await Promise.all([
    import('../observe/metric-set.ts'),
    import('../observe/serve.ts'),
  ]);
  const metrics = createMetricSet({ figures: 'plain' });
  const meter = meterOn(metrics);
  const serving = await serveMetrics({ ...address, metrics, log });
  try {
    await daemon(meter);
  } finally {
    await serving.close();
  }
}
