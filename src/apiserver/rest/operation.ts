/**
 * Owns what an operation of the REST API is: a route with a schema for everything that it reads, a name for everything that it answers, and
 * words for the OpenAPI document. Must not know what operations there are.
 */
import * as v from 'valibot';
import type { ReadDeps, WriteDeps } from '../../ops/deps.ts';
import { readRequest } from '../../store/api/wire.ts';
import { quoteValue } from '../../model/text.ts';
import { checkMayOrder, notAllowed } from '../access/may-read.ts';
import type { Answer, Exchange, Route } from '../http/route.ts';
import type { AnswerName } from './answers.ts';

/** Schemas by name. */
export type Schemas = Readonly<Record<string, v.GenericSchema>>;

/** What schemas read, by name. */
type Values<S extends Schemas> = v.InferOutput<v.ObjectSchema<S, undefined>>;

/** What a use case is called with on behalf of a caller. */
export interface CallDeps {
  readonly read: ReadDeps;
  readonly write: WriteDeps;
}

/** One request, read. */
export interface Asked<P extends Schemas, Q extends Schemas> extends CallDeps {
  readonly params: Values<P>;
  readonly query: Values<Q>;
  readonly exchange: Exchange;
}

/** An operation as it is written down. */
export interface Definition<P extends Schemas, Q extends Schemas> {
  /** Unique. */
  readonly id: string;
  readonly method: Route['method'];
  /** With `{name}` for every name of `params`. */
  readonly path: string;
  /** One line. */
  readonly summary: string;
  readonly params: P;
  readonly query: Q;
  /** What the body is; the handler reads it. */
  readonly body?: v.GenericSchema | undefined;
  /** What it answers if all is well; several: it depends on the query. */
  readonly answers: readonly AnswerName[];
  /** @throws SluiceError */
  readonly handle: (asked: Asked<P, Q>) => Promise<Answer>;
}

/** An operation whose types are forgotten. */
export interface Operation extends Omit<Definition<Schemas, Schemas>, 'handle'> {
  /** @throws SluiceError */
  readonly handle: (exchange: Exchange, depsOf: DepsOf) => Promise<Answer>;
}

/** A request, as the record of a change names it. */
export interface RequestLine {
  readonly method: Route['method'];
  /** With the values of its names. */
  readonly path: string;
  /** What was written before must be seen. */
  readonly consistent: boolean;
}

/** Makes what use cases need. */
export type DepsOf = (exchange: Exchange, line: RequestLine) => CallDeps;

/** The path with the values of its names. */
function pathOf({ path }: { readonly path: string }, { params }: Exchange): string {
  return path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => encodeURI(params.get(name) ?? ''));
}

/**
 * A browser shows its certificate, or that of nobody, whichever page asks; a request without a body it sends without asking this server first.
 * @throws SluiceError `permission` for a request that a page of another server makes
 */
function refuseForeignPage({ headers, caller }: Exchange): void {
  const { origin, host } = headers;
  if (origin === undefined || origin.replace(/^https?:\/\//, '') === host) return;
  throw notAllowed(caller, `change anything from ${quoteValue(origin)}`, 'a page of another server asks');
}

/** An operation whose handler gets what the schemas have read. */
export function operation<P extends Schemas, Q extends Schemas>(definition: Definition<P, Q>): Operation {
  const params = v.object(definition.params);
  const query = v.object(definition.query);
  return {
    ...definition,
    handle: async (exchange, depsOf) => {
      const asked = readRequest(query, Object.fromEntries(exchange.query));
      const path = pathOf(definition, exchange);
      const { method } = definition;
      const isPreview = exchange.query.get('dryRun') === 'true';
      if (method !== 'GET') refuseForeignPage(exchange);
      if (method !== 'GET' && !isPreview) checkMayOrder(exchange.caller, `${method} ${path}`);
      const names = readRequest(params, Object.fromEntries(exchange.params));
      const consistent = method !== 'GET' || exchange.query.get('consistent') === 'true';
      return definition.handle({
        ...depsOf(exchange, { method, path, consistent }),
        params: names,
        query: asked,
        exchange,
      });
    },
  };
}

/** Operations as routes. */
export function operationRoutes(operations: readonly Operation[], depsOf: DepsOf): readonly Route[] {
  return operations.map(({ method, path, query, handle }) => ({
    method,
    path,
    query: Object.keys(query),
    isOpen: false,
    handle: async (exchange) => handle(exchange, depsOf),
  }));
}
