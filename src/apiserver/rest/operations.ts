/** Owns which operations the REST API has, and joining them to a server as routes. */
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import type { Pace } from '../../model/pace.ts';
import type { WriteDeps } from '../../ops/deps.ts';
import type { ReadRecords } from '../../store/snapshot.ts';
import type { Answer, Exchange, Route } from '../http/route.ts';
import { callerStore, type StoreParts } from './caller-store.ts';
import { STATUS_OPERATION } from './cluster-operations.ts';
import { INSTANCE_OPERATIONS } from './instance-operations.ts';
import { NODE_OPERATIONS } from './node-operations.ts';
import { type DepsOf, type Operation, operationRoutes } from './operation.ts';
import { SERVICE_OPERATIONS } from './service-operations.ts';
import { watchOperation } from './watch-operation.ts';

/** What the API stands on. */
export interface RestParts extends StoreParts {
  readonly clock: Clock;
  /** Of everything long that the server does. */
  readonly pace: Pace;
  readonly log: Log;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** A fresh request id each call. */
  readonly newId: () => string;
}

/** All operations. */
export function restOperations({ cache, log }: Pick<RestParts, 'cache' | 'log'>): readonly Operation[] {
  return [
    ...SERVICE_OPERATIONS,
    ...INSTANCE_OPERATIONS,
    ...NODE_OPERATIONS,
    STATUS_OPERATION,
    watchOperation(cache, log),
  ];
}

/** Use cases run on behalf of the caller: with its rights, and its name in the record. */
function depsFor(parts: RestParts): DepsOf {
  const { clock, newId, random, pace } = parts;
  const known: ReadRecords = { services: new WeakMap(), instances: new WeakMap() };
  const reading = { known, pace };
  return ({ caller, from, timeoutMs }, { path, method, consistent }) => {
    const read = { store: callerStore(parts, { caller, timeoutMs, consistent }), clock, reading };
    const origin = { actor: caller.name, host: from, command: `${method} ${path}` };
    const write: WriteDeps = { ...read, newId, random, origin };
    return { read, write };
  };
}

/** The routes of the REST API and of its description. */
export function restRoutes(parts: RestParts): readonly Route[] {
  const operations = restOperations(parts);
  let document: Promise<unknown> | undefined;
  const describe = async (): Promise<unknown> => {
    // Only who asks for it pays for loading what makes it.
    const { openApiDocument } = await import('./openapi.ts');
    return openApiDocument(operations);
  };
  return [
    ...operationRoutes(operations, depsFor(parts)),
    {
      method: 'GET',
      path: '/v1/openapi.json',
      query: [],
      isOpen: false,
      handle: async (_exchange: Exchange): Promise<Answer> => {
        document ??= describe();
        return { kind: 'json', value: await document };
      },
    },
  ];
}
