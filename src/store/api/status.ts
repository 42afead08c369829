/** Owns the health of each API server of a store. */
import { startBudget } from '../budget.ts';
import type { CallOptions, EndpointStatus } from '../store.ts';
import { type ApiParts, type ApiServer, callAt } from './calls.ts';
import { STORE_PATH, statusAnswer } from './wire.ts';

/** Asks all servers at once, each once; each asks the store behind it. Never throws for a server that is down. */
export async function statusOf(parts: ApiParts, options?: CallOptions): Promise<readonly EndpointStatus[]> {
  const budget = startBudget(parts, options);
  budget.check();
  const one = async (server: ApiServer): Promise<EndpointStatus> => {
    const sentAtMs = parts.clock.monotonicMs();
    const call = { path: `${STORE_PATH}/status`, timeoutMs: budget.remainingMs() };
    const result = await budget.leave(callAt(server, call, statusAnswer));
    const endpoint = server.name;
    if (!('answer' in result)) return { endpoint, healthy: false, error: result.text };
    const latencyMs = parts.clock.monotonicMs() - sentAtMs;
    return { endpoint, healthy: true, latencyMs, revision: result.answer.revision };
  };
  return Promise.all(parts.servers.map(one));
}
