/**
 * Owns the small server of figures that daemons have with --listen: `/metrics` and `/healthz`, for a scraper on this machine. It takes no
 * bodies and holds no secrets; figures name instances' states, not addresses.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SluiceError } from '../errors.ts';
import type { Log } from '../host/log.ts';
import type { MetricSet } from './metric-set.ts';

/** Connections at a time; scrapers are few. */
const MAX_CONNECTIONS = 32;
/** Longest that a request or a pause between two may take. */
const REQUEST_MS = 5_000;
const IDLE_MS = 60_000;
const HEADER_BYTES = 8_192;

/** Where to listen, and what to tell. */
export interface ServeOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly metrics: MetricSet;
  readonly log: Log;
}

/** A running server. */
export interface Serving {
  readonly port: number;
  /** Ends all connections at once. */
  readonly close: () => Promise<void>;
}

const TEXT = 'text/plain; charset=utf-8';

async function answerOf(
  metrics: MetricSet,
  { method, url }: IncomingMessage,
): Promise<{ readonly status: number; readonly type: string; readonly text: string }> {
  const isKnown = url === '/metrics' || url === '/healthz';
  if (!isKnown) return { status: 404, type: TEXT, text: 'there are /metrics and /healthz\n' };
  if (method !== 'GET') return { status: 405, type: TEXT, text: 'it takes GET\n' };
  if (url === '/healthz') return { status: 200, type: TEXT, text: 'ok\n' };
  return { status: 200, type: metrics.type, text: await metrics.text() };
}

async function respond(
  { metrics, log }: ServeOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const { status, type, text } = await answerOf(metrics, request);
    response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) });
    response.end(text);
  } catch (error) {
    log.error('figures could not be told: a bug', { stack: String(error) });
    response.destroy();
  }
}

/** Listens. @throws SluiceError `config` if it cannot */
export async function serveMetrics(options: ServeOptions): Promise<Serving> {
  const { host, port, log } = options;
  const limits = { maxHeaderSize: HEADER_BYTES, headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS };
  const server = createServer({ ...limits, keepAliveTimeout: IDLE_MS });
  server.maxConnections = MAX_CONNECTIONS;
  server.on('request', (request, response) => {
    response.on('error', () => undefined);
    void respond(options, request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(cannotListen(options, cause)));
    server.listen(port, host, resolve);
  });
  const bound = portOf(server.address(), port);
  log.info('figures are told', { host, port: bound });
  return {
    port: bound,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

const portOf = (address: AddressInfo | string | null, asked: number): number =>
  typeof address === 'object' && address !== null ? address.port : asked;

function cannotListen({ host, port }: ServeOptions, cause: Error): SluiceError {
  return new SluiceError('config', `cannot listen on ${host}:${port}`, {
    why: cause.message,
    fix: 'choose another address with --listen, or stop what has it',
    cause,
  });
}
