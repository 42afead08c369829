/** Owns the limits of what an API server takes, in one place; docs/apiserver.md has them in words. */

/** Limits of a server. */
export interface HttpLimits {
  readonly headerBytes: number;
  readonly headersMs: number;
  readonly requestMs: number;
  readonly bodyBytes: number;
  readonly connections: number;
  readonly connectionsOfAddress: number;
  /** Of one address, of those that have not said who they are. */
  readonly strangersOfAddress: number;
  /** Requests of one caller at once, and a second. */
  readonly requests: RateLimit;
  /** The same of requests that cost next to nothing, and that thousands send with one token (`Route.isLight`). */
  readonly lightRequests: RateLimit;
  /** Wrong credentials from one address. */
  readonly refusals: RateLimit;
  /** What may wait for a watcher that does not read. */
  readonly unreadBytes: number;
  /** How long a reader of a listing may read nothing. */
  readonly stalledMs: number;
}

/** So many at once, so many a second after that. */
export interface RateLimit {
  readonly burst: number;
  readonly perSecond: number;
}

/**
 * The limits of a real server. A body of 4 MiB holds the largest transaction (store/limits.ts: 1.4 MiB of values) with its quotes escaped
 * and 4,000 operations around it.
 */
export const HTTP_LIMITS: HttpLimits = {
  headerBytes: 16 * 1024,
  headersMs: 10_000,
  requestMs: 30_000,
  bodyBytes: 4 * 1024 * 1024,
  connections: 8_192,
  connectionsOfAddress: 4_096,
  strangersOfAddress: 512,
  requests: { burst: 1_000, perSecond: 500 },
  lightRequests: { burst: 10_000, perSecond: 5_000 },
  refusals: { burst: 20, perSecond: 2 },
  unreadBytes: 8 * 1024 * 1024,
  stalledMs: 30_000,
};
