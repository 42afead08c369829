/**
 * Owns the way of one request: route, caller, rate, query, the route's answer or its refusal. Must not know routes' meaning or the
 * listening socket.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SluiceError } from '../../errors.ts';
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import { quoteValue } from '../../model/text.ts';
import { TIMEOUT_HEADER } from '../../store/api/wire.ts';
import { DEFAULT_TIMEOUT_MS } from '../../store/failure.ts';
import type { Caller } from '../../model/access.ts';
import type { Metrics } from '../metrics.ts';
import { readBody, readTextBody } from './body.ts';
import type { HttpLimits } from './limits.ts';
import { openLineStream } from './line-stream.ts';
import { parseQuery, parseTarget, type Target } from './query.ts';
import type { Rate } from './rate.ts';
import { httpError, refusalOf, tooMany } from './refusal.ts';
import type { RouteMatch, RouteTable } from './route-table.ts';
import type { Answer, Route } from './route.ts';

/** What answering needs. */
export interface AnsweringParts {
  readonly routes: RouteTable;
  /** @throws SluiceError `permission` */
  readonly authenticate: (request: IncomingMessage) => Caller;
  /** The connection belongs to somebody who is known. */
  readonly know: (request: IncomingMessage) => void;
  readonly requests: Rate;
  readonly lightRequests: Rate;
  readonly refusals: Rate;
  readonly limits: HttpLimits;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Longest that a client may ask the server to try. */
const MAX_TIMEOUT_MS = 30_000;

/** Answers one request. Never throws. */
export async function answerRequest(
  parts: AnsweringParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { clock, metrics } = parts;
  const startedAtMs = clock.monotonicMs();
  let route: Route | undefined;
  const target = parseTarget(request.url ?? '');
  // A reader that goes away while it is answered is no failure of ours.
  response.on('error', () => undefined);
  try {
    const match = findRoutes(parts.routes, target.path);
    route = routeFor(match, request.method ?? '', target.path);
    writeAnswer(response, await handle(parts, route, { request, response, target, params: match.params }));
  } catch (error) {
    refuse(parts, error, { request, response });
  } finally {
    metrics.answered(route?.path ?? '', response.statusCode, (clock.monotonicMs() - startedAtMs) / 1_000);
  }
}

interface Pair {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

function findRoutes(routes: RouteTable, path: string): RouteMatch {
  const found = routes(path);
  if (found !== undefined) return found;
  throw httpError(404, `there is no ${quoteValue(path)} here`, 'docs/apiserver.md has the routes');
}

function routeFor({ routes }: RouteMatch, method: string, path: string): Route {
  const route = routes.find((each) => each.method === method);
  if (route !== undefined) return route;
  const methods = routes.map((each) => each.method).join(', ');
  throw httpError(405, `${path} cannot be asked with ${quoteValue(method)}`, `it takes ${methods}`);
}

async function handle(
  parts: AnsweringParts,
  route: Route,
  { request, response, target, params }: Pair & Pick<RouteMatch, 'params'> & { readonly target: Target },
): Promise<Answer> {
  if (route.isOpen) {
    parseQuery(target.query, route.query);
    return route.handle();
  }
  const { clock, limits } = parts;
  const caller = callerOf(parts, request, route.isLight === true ? parts.lightRequests : parts.requests);
  const query = parseQuery(target.query, route.query);
  return route.handle({
    caller,
    from: addressOf(request),
    params,
    query,
    headers: request.headers,
    body: () => readBody(request, limits.bodyBytes),
    textBody: (types) => readTextBody(request, types, limits.bodyBytes),
    timeoutMs: timeoutOf(request),
    isStillKnown: () => isStillKnown(parts, request),
    lines: (type) => openLineStream(response, { clock, limits, type }),
  });
}

const addressOf = ({ socket }: IncomingMessage): string => socket.remoteAddress ?? '';

/** Who asks, if not too often. */
function callerOf(parts: AnsweringParts, request: IncomingMessage, requests: Rate): Caller {
  const { clock, refusals } = parts;
  const nowMs = clock.monotonicMs();
  const address = addressOf(request);
  let caller: Caller;
  try {
    caller = parts.authenticate(request);
  } catch (error) {
    // Good credentials pass whatever else comes from their address.
    if (!refusals.take(address, nowMs)) throw tooMany('too many wrong credentials came from this address');
    throw error;
  }
  const name = caller.via === 'anonymous' ? address : `${caller.role}:${caller.name}`;
  if (!requests.take(name, nowMs)) throw tooMany('this caller asks too often');
  parts.know(request);
  return caller;
}

function isStillKnown({ authenticate }: AnsweringParts, request: IncomingMessage): boolean {
  try {
    authenticate(request);
    return true;
  } catch {
    return false;
  }
}

function timeoutOf(request: IncomingMessage): number {
  const text = request.headers[TIMEOUT_HEADER];
  if (text === undefined) return DEFAULT_TIMEOUT_MS;
  const asked = Number(text);
  if (!Number.isInteger(asked) || asked < 1)
    throw httpError(
      400,
      `${TIMEOUT_HEADER} is not a number of milliseconds`,
      'it must be a whole number from 1',
    );
  return Math.min(asked, MAX_TIMEOUT_MS);
}

function writeAnswer(response: ServerResponse, answer: Answer): void {
  if (answer.kind === 'lines') return;
  const common = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };
  if (answer.kind === 'empty') {
    const length = answer.status === 204 ? {} : { 'Content-Length': 0 };
    response.writeHead(answer.status, { ...length, ...common }).end();
    return;
  }
  const content = contentOf(answer);
  const encoding =
    answer.kind === 'bytes' && answer.encoding !== undefined ? { 'Content-Encoding': answer.encoding } : {};
  response.writeHead(answer.kind === 'bytes' ? 200 : (answer.status ?? 200), {
    'Content-Type': answer.kind === 'json' ? 'application/json' : answer.type,
    'Content-Length': Buffer.byteLength(content),
    ...encoding,
    ...common,
    ...(answer.kind === 'text' ? answer.headers : {}),
  });
  response.end(content);
}

function contentOf(answer: Extract<Answer, { kind: 'json' | 'text' | 'bytes' }>): string | Buffer {
  if (answer.kind === 'json') return `${JSON.stringify(answer.value)}\n`;
  return answer.kind === 'text' ? answer.text : answer.bytes;
}

function refuse({ log }: AnsweringParts, error: unknown, { request, response }: Pair): void {
  const { status, body, isBug } = refusalOf(error);
  if (isBug) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.error('a request could not be answered: a bug', { method: request.method, stack });
  } else if (status === 401 || status === 403) {
    const why = error instanceof SluiceError ? (error.why ?? error.message) : undefined;
    log.info('request refused', { status, from: addressOf(request), why });
  }
  // An answer that has begun cannot become a refusal; its reader sees that the end is missing.
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}),
    ...(status === 429 ? { 'Retry-After': '1' } : {}),
  });
  response.end(body);
}
