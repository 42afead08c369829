/** Owns the health of each server of an etcd store. */
import type { CallOptions, EndpointStatus } from '../store.ts';
import { startBudget } from '../budget.ts';
import type { EtcdParts } from './calls.ts';
import type { Endpoint } from './endpoints.ts';
import { classify } from './grpc-error.ts';

/** Asks all servers at once, each once, with a linearizable read of `key`. Never throws for a server that is down. */
export async function statusOf(
  parts: EtcdParts,
  key: Buffer,
  options?: CallOptions,
): Promise<readonly EndpointStatus[]> {
  const budget = startBudget(parts, options);
  budget.check();
  const deadline = Date.now() + budget.remainingMs();
  const one = async (endpoint: Endpoint): Promise<EndpointStatus> => {
    try {
      const client = await endpoint.client();
      const sentAtMs = parts.clock.monotonicMs();
      const read = await client.kv.range({ key, count_only: true }, { deadline });
      const latencyMs = parts.clock.monotonicMs() - sentAtMs;
      const { version } = await client.maintenance.status({ deadline });
      const revision = Number(read.header.revision);
      return { endpoint: endpoint.name, healthy: true, latencyMs, revision, version };
    } catch (error) {
      return { endpoint: endpoint.name, healthy: false, error: classify(error).text };
    }
  };
  return Promise.all(parts.endpoints.all.map(one));
}
