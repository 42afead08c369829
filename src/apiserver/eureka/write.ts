/** Owns what clients of the Eureka protocol say: register, renew, leave, status, metadata; with the codes that they expect. */
import { readInstance } from '../../eureka/read-instance.ts';
import { readXml } from '../../eureka/read-xml.ts';
import type { Caller } from '../../model/access.ts';
import {
  appNameOf,
  isRegisteredStatus,
  isRegistrationId,
  type RegisteredStatus,
} from '../../model/registration.ts';
import { overrideCleared, overridden, registered, withMetadata } from '../../registry/lifecycle.ts';
import { wrongField } from '../../store/api/wire.ts';
import { notAllowed } from '../access/may-read.ts';
import { parseJson } from '../http/body.ts';
import type { Answer, Exchange } from '../http/route.ts';
import type { RegistrationChange, RegistrationName } from '../registry/registry.ts';
import type { EurekaParts } from './routes.ts';

const JSON_TYPE = 'application/json';
const BODY_TYPES = [JSON_TYPE, 'application/xml', 'text/xml'];
const TEXT = 'text/plain; charset=utf-8';

const DONE: Answer = { kind: 'empty', status: 200 };
const NO_CONTENT: Answer = { kind: 'empty', status: 204 };
const NOT_FOUND: Answer = { kind: 'empty', status: 404 };

type Handle = (exchange: Exchange) => Promise<Answer>;

/** What is said, by name. */
export interface Writes {
  readonly register: Handle;
  readonly renew: Handle;
  readonly cancel: Handle;
  readonly override: Handle;
  readonly clearOverride: Handle;
  readonly metadata: Handle;
}

/** @throws SluiceError `permission` */
export function checkMayRegister(caller: Caller): void {
  if (caller.role === 'admin' || caller.role === 'operator' || caller.role === 'registry') return;
  throw notAllowed(caller, 'change the registry', 'that is for the roles registry, operator and admin');
}

/** What the path names, or undefined for what nothing can be called. */
function nameOf({ params }: Exchange): RegistrationName | undefined {
  const app = appNameOf(params.get('app') ?? '');
  const id = params.get('id') ?? '';
  return app !== undefined && isRegistrationId(id) ? { app, id } : undefined;
}

/** A time in milliseconds that a client may say; 0: it does not, or not in a way that can be read. */
function timeIn({ query }: Exchange, name: string): number {
  const text = query.get(name) ?? '';
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : 0;
}

/** @throws SluiceError `invalid-spec` */
function statusIn({ query }: Exchange, name: string): RegisteredStatus | undefined {
  const text = query.get(name);
  if (text === undefined || text === '') return undefined;
  const upper = text.toUpperCase();
  if (isRegisteredStatus(upper)) return upper;
  throw wrongField(name, text, 'must be UP, DOWN, STARTING, OUT_OF_SERVICE or UNKNOWN');
}

/** The handlers. */
export function createWrites({ registry, clock }: EurekaParts): Writes {
  const nowMs = (): number => clock.now().getTime();
  /** Changes one that is there. */
  const changed = async (exchange: Exchange, change: RegistrationChange): Promise<Answer> => {
    checkMayRegister(exchange.caller);
    const name = nameOf(exchange);
    if (name === undefined) return NOT_FOUND;
    const before = await registry.change(name, (known) => known && change(known));
    return before === undefined ? NOT_FOUND : DONE;
  };
  return {
    register: async (exchange) => {
      checkMayRegister(exchange.caller);
      const { type, text } = await exchange.textBody(BODY_TYPES);
      const read = readInstance(
        exchange.params.get('app') ?? '',
        type === JSON_TYPE ? parseJson(text) : readXml(text),
      );
      if (read.kind === 'refused') return { kind: 'text', text: read.why, type: TEXT, status: 400 };
      const { request } = read;
      await registry.change(request, (before) => registered(request, before, nowMs()));
      return NO_CONTENT;
    },
    renew: async (exchange) => {
      checkMayRegister(exchange.caller);
      const name = nameOf(exchange);
      const isKnown =
        name !== undefined && (await registry.renew(name, timeIn(exchange, 'lastDirtyTimestamp')));
      return isKnown ? DONE : NOT_FOUND;
    },
    cancel: (exchange) => changed(exchange, () => undefined),
    override: (exchange) => {
      const status = statusIn(exchange, 'value');
      if (status === undefined) throw wrongField('value', undefined, 'must be a status');
      return changed(exchange, (before) => before && overridden(before, status, nowMs()));
    },
    clearOverride: (exchange) => {
      const status = statusIn(exchange, 'value');
      return changed(exchange, (before) => before && overrideCleared(before, status, nowMs()));
    },
    metadata: (exchange) => {
      const added = Object.fromEntries(exchange.query);
      return changed(exchange, (before) => before && withMetadata(before, added, nowMs()));
    },
  };
}
