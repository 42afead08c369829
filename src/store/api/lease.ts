/** Owns the calls of leases through API servers; any of them renews a lease that another one granted. */
import { type Budget, startBudget } from '../budget.ts';
import type { LeaseCalls } from '../lease-calls.ts';
import { type ApiParts, ask, callAt } from './calls.ts';
import { grantAnswer, type Read, renewAnswer, revokeAnswer, STORE_PATH, type WireSchema } from './wire.ts';

/** The calls on these servers. */
export function apiLeaseCalls(parts: ApiParts): LeaseCalls {
  const post = <S extends WireSchema>(
    what: string,
    body: unknown,
    { budget, schema }: { readonly budget: Budget; readonly schema: S },
  ): Promise<Read<S>> => {
    const path = `${STORE_PATH}/lease/${what}`;
    return ask(parts, budget, (server) =>
      callAt(server, { path, body, timeoutMs: budget.attemptMs() }, schema),
    );
  };
  return {
    grant: (ttlSeconds, options) =>
      post('grant', { ttlSeconds }, { budget: startBudget(parts, options), schema: grantAnswer }),
    renew: async (lease, options) => {
      const call = { budget: startBudget(parts, options), schema: renewAnswer };
      return (await post('renew', { lease }, call)).state;
    },
    revoke: async (lease, options) => {
      await post('revoke', { lease }, { budget: startBudget(parts, options), schema: revokeAnswer });
    },
  };
}
