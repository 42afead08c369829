/** Owns asking the servers of an etcd store: attempts at clients, errors as data. Must not know what is read. */
import { type Answer as AnswerOf, askServers, type Budget, type CallerParts } from '../budget.ts';
import type { Endpoint, Endpoints } from './endpoints.ts';
import type { EtcdClient } from './etcd3.ts';
import { classify, type Failure, isFromEtcd, toSluiceError } from './grpc-error.ts';

/** What all parts of an etcd store share. */
export interface EtcdParts extends CallerParts {
  readonly endpoints: Endpoints;
}

/** One attempt: may throw anything of etcd3. The deadline is wall time, what grpc-js wants. */
export type Ask<T> = (client: EtcdClient, deadline: number) => Promise<T>;

/** An answer, or why there is none. */
export type Answer<T> = AnswerOf<T, Failure>;

/**
 * Asks one server after the other until one answers or the budget is used up. Only for what may be done twice.
 * @returns the answer, or a failure that no other server would mend
 * @throws SluiceError `unavailable`, `interrupted`
 */
export function askAny<T>(parts: EtcdParts, budget: Budget, question: Ask<T>): Promise<Answer<T>> {
  const from = { parts, pick: parts.endpoints.pick };
  return askServers<Endpoint, T, Failure>(from, budget, (endpoint) => tryAt(endpoint, budget, question));
}

/** Like `askAny`, for callers to whom every failure is an error. */
export async function ask<T>(parts: EtcdParts, budget: Budget, question: Ask<T>): Promise<T> {
  const result = await askAny(parts, budget, question);
  if ('answer' in result) return result.answer;
  throw toSluiceError(result, parts.description);
}

/** One attempt at one server; errors become data. */
export async function tryAt<T>(endpoint: Endpoint, budget: Budget, question: Ask<T>): Promise<Answer<T>> {
  try {
    const client = await endpoint.client();
    return { answer: await question(client, Date.now() + budget.attemptMs()) };
  } catch (error) {
    if (!isFromEtcd(error)) throw error;
    return classify(error);
  }
}
