/** Owns requests to one API server over node:http: connections, credentials, deadlines, and whether a request that failed was sent. Must not know routes. */
import { Agent, type IncomingMessage, request as httpRequest, type RequestOptions } from 'node:http';
import { Agent as TlsAgent, request as httpsRequest } from 'node:https';
import type { Answer } from '../budget.ts';
import { readText } from './lines.ts';
import { TIMEOUT_HEADER } from './wire.ts';

/** Certificates as file contents. */
export interface ApiTls {
  readonly cacert?: Buffer | undefined;
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
}

/** Reach of one server. */
export interface ApiTarget {
  /** `http://host:port` or `https://host:port`. */
  readonly url: string;
  readonly tls?: ApiTls | undefined;
  /** Goes nowhere but into the Authorization header. */
  readonly token?: string | undefined;
}

/** One request. */
export interface ApiCall {
  /** With its query. */
  readonly path: string;
  /** JSON to post; undefined: the request is a GET. */
  readonly body?: unknown;
  /** Longest time to the first byte of the answer, and told to the server. */
  readonly timeoutMs: number;
  /** True: only the begin of the answer is waited for; the rest may come for days. */
  readonly lasts?: boolean | undefined;
}

/** No answer. `not-sent`: the request certainly did not arrive. */
export interface CallFailure {
  readonly kind: 'not-sent' | 'retry';
  readonly text: string;
}

/** Connections to one server. */
export interface Connection {
  /** Sends a request; the answer is the response with its body still to be read. */
  readonly send: (call: ApiCall) => Promise<Answer<IncomingMessage, CallFailure>>;
  /**
   * Sees to a connection over which the server has answered, so that a request that is then lost is lost on its way to a server that is there: a
   * door that opens and shuts again has got nothing.
   */
  readonly prove: (timeoutMs: number) => Promise<CallFailure | undefined>;
  /** Ends all connections; nothing is sent any more. */
  readonly close: () => void;
}

/** Connects nothing yet. */
export function createConnection(target: ApiTarget): Connection {
  const isTls = target.url.startsWith('https:');
  const agent = isTls
    ? new TlsAgent({ keepAlive: true, ...tlsOptions(target.tls) })
    : new Agent({ keepAlive: true });
  let closed = false;
  const send: Connection['send'] = (call) =>
    closed
      ? Promise.resolve({ kind: 'not-sent', text: 'the store was closed' })
      : sendBy(agent, target, call);
  return {
    send,
    prove: async (timeoutMs) => {
      if (Object.keys(agent.freeSockets).length > 0) return undefined;
      const result = await send({ path: '/healthz', timeoutMs });
      if (!('answer' in result)) return { kind: 'not-sent', text: result.text };
      const text = await readText(result.answer, 1_000);
      return text === undefined ? { kind: 'not-sent', text: 'the answer ended early' } : undefined;
    },
    close: () => {
      closed = true;
      agent.destroy();
    },
  };
}

function sendBy(
  agent: Agent | TlsAgent,
  { url, token }: ApiTarget,
  { path, body, timeoutMs, lasts }: ApiCall,
): Promise<Answer<IncomingMessage, CallFailure>> {
  const isTls = url.startsWith('https:');
  const text = body === undefined ? undefined : JSON.stringify(body);
  const method = text === undefined ? 'GET' : 'POST';
  const options: RequestOptions = { agent, method, headers: headersOf({ token, text, timeoutMs }) };
  return new Promise((resolve) => {
    let connected = false;
    const request = (isTls ? httpsRequest : httpRequest)(`${url}${path}`, options, (response) => {
      if (lasts === true) clearTimeout(timer);
      resolve({ answer: response });
    });
    // To the end of the answer: a server that falls silent in the middle of one is as dead as one that never begins.
    const late = (): unknown => request.destroy(new Error(`no answer within ${Math.round(timeoutMs)} ms`));
    const timer = setTimeout(late, timeoutMs);
    request.once('close', () => clearTimeout(timer));
    request.once('socket', (socket) => {
      if (request.reusedSocket || (!isTls && !socket.connecting)) connected = true;
      else socket.once(isTls ? 'secureConnect' : 'connect', () => (connected = true));
    });
    request.on('error', (error) => {
      resolve({ kind: connected ? 'retry' : 'not-sent', text: oneLine(error) });
    });
    request.end(text);
  });
}

function tlsOptions({ cacert, cert, key }: ApiTls = {}): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  return {
    ...(cacert === undefined ? {} : { ca: cacert }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

function headersOf({
  token,
  text,
  timeoutMs,
}: {
  readonly token: string | undefined;
  readonly text: string | undefined;
  readonly timeoutMs: number;
}): Record<string, string | number> {
  return {
    [TIMEOUT_HEADER]: Math.max(1, Math.floor(timeoutMs)),
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    ...(text === undefined
      ? {}
      : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }),
  };
}

const oneLine = (error: Error): string =>
  (error.message === '' ? error.name : error.message).replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 300);
