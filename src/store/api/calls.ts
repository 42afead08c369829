/** Owns asking API servers: attempts, errors as data, and what a refusal means. Must not know what is asked. */
import type { IncomingMessage } from 'node:http';
import { type ErrorCode, EXIT_CODES, SluiceError } from '../../errors.ts';
import { plainText } from '../../model/text.ts';
import {
  type Answer as AnswerOf,
  askServers,
  type AttemptFailure,
  type Budget,
  type CallerParts,
} from '../budget.ts';
import type { ServerHealth } from '../rotation.ts';
import type { ApiCall, CallFailure, Connection } from './connection.ts';
import { readText } from './lines.ts';
import { errorAnswer, readAnswer, type Read, type WireSchema } from './wire.ts';

/** One server. */
export interface ApiServer extends ServerHealth {
  readonly name: string;
  readonly connection: Connection;
}

/** What all parts of the store share. */
export interface ApiParts extends CallerParts {
  readonly servers: readonly ApiServer[];
  readonly pick: () => ApiServer;
}

/** Why there is no answer. `refused`: no other server would answer otherwise. */
export type Failure =
  | CallFailure
  | { readonly kind: 'busy'; readonly text: string }
  | { readonly kind: 'refused'; readonly text: string; readonly error: SluiceError };

/** An answer, or why there is none. */
export type Answer<T> = AnswerOf<T, Failure>;

/** Longest answer that is no listing: the largest value, escaped. */
const MAX_ANSWER = 16 * 1024 * 1024;

/** Sends one request to one server; the answer is a response of status 200. */
export async function openAt(server: ApiServer, call: ApiCall): Promise<Answer<IncomingMessage>> {
  const result = await server.connection.send(call);
  if (!('answer' in result) || result.answer.statusCode === 200) return result;
  return refusalOf(server, result.answer);
}

/** Sends one request to one server and reads its answer by a schema. */
export async function callAt<S extends WireSchema>(
  server: ApiServer,
  call: ApiCall,
  schema: S,
): Promise<Answer<Read<S>>> {
  const result = await openAt(server, call);
  if (!('answer' in result)) return result;
  const text = await readText(result.answer, MAX_ANSWER);
  if (text === undefined) return { kind: 'retry', text: 'the answer ended early' };
  const answer = readAnswer(schema, text);
  return answer === undefined ? notOurs(server, 'the answer is not of this protocol') : { answer };
}

/** Asks one server after the other until one answers. Only for what may be done twice. @throws SluiceError */
export async function ask<T>(
  parts: ApiParts,
  budget: Budget,
  attempt: (server: ApiServer) => Promise<Answer<T>>,
): Promise<T> {
  const result = await askServers<ApiServer, T, Failure>({ parts, pick: parts.pick }, budget, attempt);
  if ('answer' in result) return result.answer;
  throw errorOf(result, parts.description);
}

/** The error of a failure that no other server would mend. */
export function errorOf(failure: AttemptFailure, store: string): SluiceError {
  if ('error' in failure && failure.error instanceof SluiceError) return failure.error;
  return new SluiceError('internal', `the call ended with ${failure.kind} (${store})`, { why: failure.text });
}

const isErrorCode = (code: string): code is ErrorCode =>
  Object.hasOwn(EXIT_CODES, code) && code !== 'ok' && code !== 'changes';

async function refusalOf(server: ApiServer, response: IncomingMessage): Promise<Failure> {
  const status = response.statusCode ?? 0;
  const text = await readText(response, MAX_ANSWER);
  const answer = text === undefined ? undefined : readAnswer(errorAnswer, text);
  if (answer === undefined || !isErrorCode(answer.code))
    return notOurs(server, `it answered ${status}`, status);
  const why = plainText(answer.why ?? answer.message);
  if (status === 429) return { kind: 'busy', text: why };
  const isCompacted = answer.details['compacted'] === true;
  // Whatever it could not do, it says that nothing was written.
  if (answer.code === 'unavailable' && !isCompacted) return { kind: 'not-sent', text: why };
  if (status >= 500 && !isCompacted && answer.code !== 'failed') return { kind: 'retry', text: why };
  const error = new SluiceError(answer.code, plainText(answer.message), {
    why: answer.why === null ? undefined : why,
    fix: answer.fix === null ? undefined : plainText(answer.fix),
    details: answer.details,
  });
  return { kind: 'refused', text: why, error };
}

/** An answer that is not ours: of a proxy in between, or of another program. */
function notOurs({ name }: ApiServer, why: string, status = 0): Failure {
  if (status >= 500) return { kind: 'retry', text: why };
  const error = new SluiceError('config', `${name} is not an API server of Sluice`, {
    why,
    fix: 'check --server',
    details: { written: false, status },
  });
  return { kind: 'refused', text: why, error };
}
