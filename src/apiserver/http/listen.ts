/** Owns the listening socket: HTTP/1.1 or TLS, with all limits of Node's server set. Must not know routes. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { createSecureContext, type SecureContextOptions, Server as TlsServer } from 'node:tls';
import { SluiceError } from '../../errors.ts';
import type { Clock } from '../../host/clock.ts';
import type { Connections } from './connections.ts';
import type { HttpLimits } from './limits.ts';
import { httpError, refusalOf } from './refusal.ts';

/** Certificates as file contents. */
export interface ServerTls {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Certificates that this authority signed are credentials. */
  readonly clientCa: Buffer | undefined;
}

/** What to listen on, and who answers. */
export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tls: ServerTls | undefined;
  readonly limits: HttpLimits;
  readonly connections: Connections;
  /** Must not throw. */
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
}

/** A listening server. */
export interface Listening {
  readonly port: number;
  /** Other certificates for connections that come; those that are there stay. @throws SluiceError `config` */
  readonly renew: (tls: ServerTls) => void;
  /** Takes no more, waits up to `graceMs` for answers that are under way, then ends all. */
  readonly close: (clock: Clock, graceMs: number) => Promise<void>;
}

/** Status of what Node's parser refuses; anything else is 400. */
const PARSER_STATUS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/**
 * Listens.
 * @throws SluiceError `config` if it cannot
 */
export async function listen(options: ListenOptions): Promise<Listening> {
  const server = createFor(options);
  const { connections, limits } = options;
  server.maxConnections = limits.connections;
  server.on('connection', connections.add);
  server.on('request', options.onRequest);
  server.on('clientError', answerClientError);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(cannotListen(options, cause)));
    server.listen(options.port, options.host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    renew: (tls) => renewOn(server, tls),
    close: async (clock, graceMs) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const done = new AbortController();
      await Promise.race([closed, clock.sleep(graceMs, done.signal)]);
      done.abort();
      connections.destroyAll();
      await closed;
    },
  };
}

function createFor({ tls, limits }: ListenOptions): Server {
  const common = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: 60_000,
    noDelay: true,
  };
  if (tls === undefined) return createServer(common);
  // A certificate that is not accepted is told so in an answer; a broken handshake would tell nobody why.
  const clients = tls.clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: false };
  const handshakeTimeout = limits.headersMs;
  return usable(() => createTlsServer({ ...common, ...clients, ...contextOf(tls), handshakeTimeout }));
}

/** What a TLS context is made of. */
function contextOf({ cert, key, clientCa }: ServerTls): SecureContextOptions {
  return { cert, key, minVersion: 'TLSv1.2', ...(clientCa === undefined ? {} : { ca: clientCa }) };
}

function renewOn(server: Server, tls: ServerTls): void {
  if (!(server instanceof TlsServer))
    throw new SluiceError('internal', 'a server without TLS has no certificates');
  usable(() => {
    // Tried first: the server's own context must be whole at any time.
    createSecureContext(contextOf(tls));
    server.setSecureContext(contextOf(tls));
  });
}

/** Runs what fails if certificates do not fit together. @throws SluiceError `config` */
function usable<T>(use: () => T): T {
  try {
    return use();
  } catch (cause) {
    throw new SluiceError('config', 'the certificate of the API server cannot be used', {
      why: cause instanceof Error ? cause.message : String(cause),
      fix: 'check --tls-cert, --tls-key and --client-ca: PEM files that belong together',
      cause,
    });
  }
}

/** What the parser refuses gets an answer in the usual form, and the connection ends. */
function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = PARSER_STATUS[error.code ?? ''] ?? 400;
  const { body } = refusalOf(
    httpError(status, 'this is no request that can be read', error.code ?? 'bad HTTP'),
  );
  const head = `HTTP/1.1 ${status} Refused\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`;
  socket.end(head + body, () => socket.destroy());
}

function cannotListen({ host, port }: ListenOptions, cause: unknown): SluiceError {
  return new SluiceError('config', `cannot listen on ${host}:${port}`, {
    why: cause instanceof Error ? cause.message : String(cause),
    fix: 'choose another address with --listen, or stop what has it',
    cause,
  });
}
