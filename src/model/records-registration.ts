/** Owns the stored form of registrations and of the marks that say whether they renew. Pure. */
import * as v from 'valibot';
import { countField, flagField, MAX_TEXT, secondsField } from './fields.ts';
import { badRecord, type Decoded, decodeRecord, encodeRecord } from './records.ts';
import {
  type Alive,
  APP_RULE,
  isAppName,
  isRegistrationId,
  REGISTERED_STATUSES,
  type Registration,
} from './registration.ts';

/** Names with a value each: metadata and the like. */
const MAX_WORDS = 256;
/** Characters of all of a registration, so that a list of many stays small. */
const MAX_LENGTH = 32 * 1024;

const SHORT = 'must be text of at most 4096 characters';
const WORDS = `must be at most ${MAX_WORDS} names with a text each`;

const shortText = v.pipe(v.string(SHORT), v.maxLength(MAX_TEXT, SHORT));
const wordsField = v.pipe(
  v.record(v.pipe(v.string(WORDS), v.minLength(1, WORDS), v.maxLength(256, WORDS)), shortText, WORDS),
  v.check((words) => Object.keys(words).length <= MAX_WORDS, WORDS),
);
const portField = v.object({
  number: v.pipe(countField, v.maxValue(65_535, 'must be a port')),
  enabled: flagField,
});
const statusField = v.picklist(REGISTERED_STATUSES, `must be one of ${REGISTERED_STATUSES.join(', ')}`);
const leaseSeconds = v.pipe(secondsField, v.minValue(1, 'must be seconds from 1'));

const registrationSchema = v.object({
  hostName: shortText,
  ip: shortText,
  port: portField,
  securePort: portField,
  status: statusField,
  override: v.optional(statusField),
  vip: v.optional(shortText),
  secureVip: v.optional(shortText),
  renewSeconds: leaseSeconds,
  durationSeconds: leaseSeconds,
  metadata: wordsField,
  dataCenter: v.object({ name: shortText, className: shortText, metadata: wordsField }),
  words: wordsField,
  registeredMs: countField,
  upMs: countField,
  updatedMs: countField,
  dirtyMs: countField,
  source: v.optional(shortText),
});

const aliveSchema = v.object({
  server: v.pipe(v.string('must be a server'), v.regex(/^[0-9A-Za-z-]{1,64}$/, 'must be a server')),
  silentSinceMs: v.optional(countField),
});

/** What the tail of `app/<app>/<id>` or `alive/<app>/<id>` names; undefined for a tail of another form. */
export function registrationOfTail(tail: string): Pick<Registration, 'app' | 'id'> | undefined {
  const [app = '', encoded = '', ...rest] = tail.split('/');
  const id = decoded(encoded);
  if (rest.length > 0 || id === undefined || encodeURIComponent(id) !== encoded) return undefined;
  return isAppName(app) && isRegistrationId(id) ? { app, id } : undefined;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function nameOf(family: string, tail: string): Pick<Registration, 'app' | 'id'> {
  const name = registrationOfTail(tail);
  if (name !== undefined) return name;
  const why = `an app is ${APP_RULE}, an id printable ASCII, percent-encoded`;
  throw badRecord(`${family}/${tail}`, { field: '', value: tail, why });
}

/**
 * Reads `app/<app>/<id>`.
 * @throws SluiceError `failed`
 */
export function decodeRegistration(tail: string, json: string): Decoded<Registration> {
  const name = nameOf('app', tail);
  if (json.length > MAX_LENGTH) {
    const why = `a registration has at most ${MAX_LENGTH} characters`;
    throw badRecord(`app/${tail}`, { field: '', value: json, why });
  }
  const { value, raw } = decodeRecord(`app/${tail}`, json, registrationSchema);
  return { value: { ...name, ...value }, raw };
}

/** JSON of `app/<app>/<id>`; app and id are in the key only. */
export function encodeRegistration(registration: Registration): string {
  const { app: _app, id: _id, ...fields } = registration;
  return encodeRecord(registrationSchema, fields);
}

/**
 * Reads `alive/<app>/<id>`.
 * @throws SluiceError `failed`
 */
export function decodeAlive(tail: string, json: string): Decoded<Alive> {
  nameOf('alive', tail);
  return decodeRecord(`alive/${tail}`, json, aliveSchema);
}

/** JSON of `alive/<app>/<id>`. */
export function encodeAlive(alive: Alive): string {
  const { server, silentSinceMs } = alive;
  return encodeRecord(aliveSchema, { server, silentSinceMs });
}
