/**
 * Owns what a route is: where REST, registry and Eureka join the API server. Types and looking one up; must not know sockets.
 */
import type { Caller } from '../../model/access.ts';
import type { LineStream } from './line-stream.ts';
import { decodeText } from './query.ts';

/** One request of a known caller, as a route sees it. */
export interface Exchange {
  readonly caller: Caller;
  /** The address that it came from. */
  readonly from: string;
  /** What stands for the names in the route's path, decoded; to be read by a schema. */
  readonly params: Params;
  /** Values of the query; only names that the route has. */
  readonly query: ReadonlyMap<string, string>;
  /** The body as JSON. @throws SluiceError `invalid-spec` */
  readonly body: () => Promise<unknown>;
  /** The body as text, said to be JSON: for what reads it with positions. @throws SluiceError `invalid-spec` */
  readonly bodyText: () => Promise<string>;
  /** One of the request's headers; '' if it is not there. */
  readonly header: (name: string) => string;
  /** What the server may spend on it. */
  readonly timeoutMs: number;
  /** False once the caller's token is revoked or has expired; for answers that last. */
  readonly isStillKnown: () => boolean;
  /** Answers with lines, of JSON by default; then the route answers nothing else. */
  readonly lines: (type?: string) => LineStream;
}

/** What a route answers: JSON, text of a type, or nothing because it answered with lines. */
export type Answer =
  | { readonly kind: 'json'; readonly value: unknown; readonly status?: number | undefined }
  | {
      readonly kind: 'text';
      readonly text: string;
      readonly type: string;
      readonly status?: number | undefined;
      readonly headers?: Readonly<Record<string, string>> | undefined;
    }
  | { readonly kind: 'lines' };

/** What stands for the names in a route's path. */
export type Params = ReadonlyMap<string, string>;

/** A route. */
export type Route = {
  /** Letter by letter; a segment `{name}` stands for any that is not empty. */
  readonly path: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
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

/** What a path leads to. */
interface Found {
  /** One a method. */
  readonly routes: readonly Route[];
  readonly params: Params;
}

/** Routes by path. */
export interface RouteTable {
  /** @throws SluiceError `invalid-spec` for a name that is not UTF-8, percent-encoded */
  readonly find: (path: string) => Found | undefined;
}

interface Pattern {
  readonly segments: readonly string[];
  readonly routes: Route[];
}

const NO_PARAMS: Params = new Map();

/** Groups routes by path. Paths without names are looked up first, and those with names in the order given. */
export function routeTable(routes: readonly Route[]): RouteTable {
  const patterns = new Map<string, Pattern>();
  for (const route of routes) {
    const pattern = patterns.get(route.path) ?? { segments: route.path.split('/'), routes: [] };
    pattern.routes.push(route);
    patterns.set(route.path, pattern);
  }
  const named = [...patterns.values()].filter(({ segments }) => segments.some(nameOf));
  return {
    find: (path) => {
      const exact = patterns.get(path);
      if (exact !== undefined && !named.includes(exact)) return { routes: exact.routes, params: NO_PARAMS };
      const segments = path.split('/');
      const found = named.find((pattern) => fits(pattern, segments));
      return found === undefined ? undefined : { routes: found.routes, params: paramsOf(found, segments) };
    },
  };
}

/** The name in `{name}`; undefined for any other segment. */
function nameOf(segment: string): string | undefined {
  return segment.startsWith('{') && segment.endsWith('}') ? segment.slice(1, -1) : undefined;
}

function fits(pattern: Pattern, segments: readonly string[]): boolean {
  return (
    pattern.segments.length === segments.length &&
    pattern.segments.every((segment, at) =>
      nameOf(segment) === undefined ? segment === segments[at] : segments[at] !== '',
    )
  );
}

/** Decoded one by one after the path was taken apart, so that no name can be a path in disguise. */
function paramsOf({ segments }: Pattern, found: readonly string[]): Params {
  return new Map(
    segments.flatMap((segment, at): readonly (readonly [string, string])[] => {
      const name = nameOf(segment);
      return name === undefined ? [] : [[name, decodeText(found[at] ?? '', name)]];
    }),
  );
}
