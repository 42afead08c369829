/**
 * Owns what a route is: where REST, registry and Eureka join the API server. Types and looking one up; must not know sockets.
 */
import type { Caller } from '../../model/access.ts';
import type { LineStream } from './line-stream.ts';

/** One request of a known caller, as a route sees it. */
export interface Exchange {
  readonly caller: Caller;
  /** Values of the query; only names that the route has. */
  readonly query: ReadonlyMap<string, string>;
  /** The body as JSON. @throws SluiceError `invalid-spec` */
  readonly body: () => Promise<unknown>;
  /** What the server may spend on it. */
  readonly timeoutMs: number;
  /** False once the caller's token is revoked or has expired; for answers that last. */
  readonly isStillKnown: () => boolean;
  /** Answers with lines; then the route answers nothing else. */
  readonly lines: () => LineStream;
}

/** What a route answers: JSON, text of a type, or nothing because it answered with lines. */
export type Answer =
  | { readonly kind: 'json'; readonly value: unknown; readonly status?: number | undefined }
  | {
      readonly kind: 'text';
      readonly text: string;
      readonly type: string;
      readonly status?: number | undefined;
    }
  | { readonly kind: 'lines' };

/** A route. */
export type Route = {
  readonly path: string;
  readonly method: 'GET' | 'POST';
  /** Names that its query may have. */
  readonly query: readonly string[];
} & (
  | {
      /** Anybody may ask, also without credentials. */
      readonly isOpen: true;
      readonly handle: () => Promise<Answer>;
    }
  | {
      readonly isOpen: false;
      /** @throws SluiceError */
      readonly handle: (exchange: Exchange) => Promise<Answer>;
    }
);

/** Routes by path. */
export type RouteTable = ReadonlyMap<string, readonly Route[]>;

/** Groups routes by path. */
export function routeTable(routes: readonly Route[]): RouteTable {
  const table = new Map<string, Route[]>();
  for (const route of routes) table.set(route.path, [...(table.get(route.path) ?? []), route]);
  return table;
}
