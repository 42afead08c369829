/**
 * Owns what a route is: where REST, registry and Eureka join the API server. Types only; looking one up is route-table.ts. Must not know
 * sockets.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Caller } from '../../model/access.ts';
import type { TypedBody } from './body.ts';
import type { LineStream } from './line-stream.ts';

/** One request of a known caller, as a route sees it. */
export interface Exchange {
  readonly caller: Caller;
  /** The address that it came from. */
  readonly from: string;
  /** What stands for the names in the route's path, percent-decoded; to be read by a schema. */
  readonly params: Params;
  /** Values of the query; only names that the route has. */
  readonly query: ReadonlyMap<string, string>;
  readonly headers: IncomingHttpHeaders;
  /** The body as JSON. @throws SluiceError `invalid-spec` */
  readonly body: () => Promise<unknown>;
  /** The body as text, said to be of one of these types. @throws SluiceError `invalid-spec` */
  readonly textBody: (types: readonly string[]) => Promise<TypedBody>;
  /** What the server may spend on it. */
  readonly timeoutMs: number;
  /** False once the caller's token is revoked or has expired; for answers that last. */
  readonly isStillKnown: () => boolean;
  /** Answers with lines, of JSON by default; then the route answers nothing else. */
  readonly lines: (type?: string) => LineStream;
}

/** What a route answers: JSON, text or bytes of a type, nothing at all, or nothing more because it answered with lines. */
export type Answer =
  | { readonly kind: 'json'; readonly value: unknown; readonly status?: number | undefined }
  | {
      readonly kind: 'text';
      readonly text: string;
      readonly type: string;
      readonly status?: number | undefined;
      readonly headers?: Readonly<Record<string, string>> | undefined;
    }
  | {
      readonly kind: 'bytes';
      readonly bytes: Buffer;
      readonly type: string;
      /** As the bytes are encoded; undefined: as they are. */
      readonly encoding: 'gzip' | undefined;
    }
  | { readonly kind: 'empty'; readonly status: number }
  | { readonly kind: 'lines' };

/** What stands for the names in a route's path. */
export type Params = ReadonlyMap<string, string>;

/** A route. */
export type Route = {
  /** As it stands, but for `{names}`, each of which is one part between slashes. */
  readonly path: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Names that its query may have; `any`: the client chooses them. */
  readonly query: readonly string[] | 'any';
} & (
  | {
      /** Anybody may ask, also without credentials. */
      readonly isOpen: true;
      readonly handle: () => Promise<Answer>;
    }
  | {
      readonly isOpen: false;
      /** It costs next to nothing: counted by a larger limit. */
      readonly isLight?: boolean | undefined;
      /** @throws SluiceError */
      readonly handle: (exchange: Exchange) => Promise<Answer>;
    }
);
