/** Owns the stored form of services, instances, entry claims and the generation. Pure. */
import * as v from 'valibot';
import { formatAddress } from './address.ts';
import { formatAffinity } from './affinity.ts';
import type { Generation } from './audit.ts';
import { compareEntries, type Entry, formatEntry } from './entry.ts';
import {
  affinityField,
  appField,
  countField,
  entryField,
  flagField,
  hashField,
  nameField,
  portlessField,
  requestIdField,
  textField,
  timeField,
  weightField,
} from './fields.ts';
import { MAX_ENTRIES, MAX_REPLICAS } from './limits.ts';
import { isName, NAME_RULE } from './name.ts';
import { assertPolicy, keptPolicy, pinField, policyField } from './records-policy.ts';
import { badRecord, type Decoded, decodeRecord, encodeRecord, type Raw } from './records.ts';
import {
  assertTemplate,
  drainField,
  keptTemplate,
  plainDrain,
  reasonLine,
  templateField,
} from './records-template.ts';
import { type Instance, INSTANCE_STATES, ORIGINS, type Service } from './service.ts';

const ENTRY_COUNT = `must be a list of 1 to ${MAX_ENTRIES} different entries`;
/** States in which a managed instance may have no port: not started yet, or not to be started. */
const PORTLESS = ['pending', 'failed', 'crashloop', 'stopped'];
const INSTANCE_ID = /^[0-9A-Za-z[]([0-9A-Za-z.:[\]-]{0,126}[0-9A-Za-z])?$/;

const originField = v.picklist(ORIGINS, 'must be static, managed or registered');

const serviceSchema = v.object({
  entries: v.pipe(
    v.array(entryField, ENTRY_COUNT),
    v.minLength(1, ENTRY_COUNT),
    v.maxLength(MAX_ENTRIES, ENTRY_COUNT),
    v.check((entries) => new Set(entries.map(formatEntry)).size === entries.length, ENTRY_COUNT),
  ),
  origin: originField,
  masquerade: flagField,
  affinity: v.optional(affinityField),
  announce: v.optional(flagField),
  registry: v.optional(appField),
  replicas: v.optional(
    v.pipe(countField, v.maxValue(MAX_REPLICAS, `must be a whole number 0-${MAX_REPLICAS}`)),
  ),
  template: v.optional(templateField),
  policy: v.optional(policyField),
  pin: v.optional(pinField),
  createdAt: timeField,
});

const instanceSchema = v.object({
  address: portlessField,
  weight: weightField,
  origin: originField,
  state: v.picklist(INSTANCE_STATES, `must be one of ${INSTANCE_STATES.join(', ')}`),
  node: v.optional(nameField),
  templateHash: v.optional(hashField),
  stateSince: v.optional(timeField),
  why: v.optional(textField),
  restarts: v.optional(countField),
  drain: v.optional(drainField),
  createdAt: timeField,
});

const claimSchema = v.object({ service: nameField });
const generationSchema = v.object({ at: timeField, requestId: requestIdField });

/** True if the text may be the id of an instance: an address, or letters, digits, `.` and `-`. */
export function isInstanceId(text: string): boolean {
  return INSTANCE_ID.test(text);
}

function checkName(key: string, name: string): void {
  if (!isName(name)) throw badRecord(key, { field: '', value: name, why: `a name in a key is ${NAME_RULE}` });
}

/** A managed service has both replicas and a template, another one neither; a registered one has its app. */
function checkOrigin(
  key: string,
  service: Pick<Service, 'origin' | 'replicas' | 'template' | 'registry'>,
): void {
  const { origin, replicas, template } = service;
  for (const [field, value] of Object.entries({ replicas, template })) {
    if ((value === undefined) === (origin !== 'managed')) continue;
    const why = `${origin === 'managed' ? 'a managed' : 'only a managed'} service has replicas and a template`;
    throw badRecord(key, { field, value, why });
  }
  if (template !== undefined) assertTemplate(key, template);
  if ((service.registry !== undefined) !== (origin === 'registered')) {
    const why = 'a service whose instances register names their app, and no other does';
    throw badRecord(key, { field: 'registry', value: service.registry, why });
  }
}

/**
 * Reads `service/<name>`.
 * @throws SluiceError `failed`
 */
export function decodeService(name: string, json: string): Decoded<Service> {
  const key = `service/${name}`;
  checkName(key, name);
  const { value, raw } = decodeRecord(key, json, serviceSchema);
  const { affinity, ...rest } = value;
  checkOrigin(key, value);
  if (value.policy !== undefined) assertPolicy(key, value.policy);
  const entries = value.entries.toSorted(compareEntries);
  const affinityPart = affinity === undefined ? {} : { affinitySeconds: affinity };
  return { value: { name, ...rest, ...affinityPart, entries }, raw };
}

/** JSON of `service/<name>`; the name is in the key only. */
export function encodeService(service: Service, raw?: Raw): string {
  const { origin, masquerade, affinitySeconds, registry, replicas, pin, createdAt } = service;
  const announce = service.announce === true ? true : undefined;
  const affinity = affinitySeconds === undefined ? undefined : formatAffinity(affinitySeconds);
  const entries = service.entries.toSorted(compareEntries).map(formatEntry);
  const template = service.template === undefined ? undefined : keptTemplate(raw, service.template);
  const policy = service.policy === undefined ? undefined : keptPolicy(raw, service.policy);
  const managed = { replicas, template, pin };
  const record = { entries, origin, masquerade, affinity, announce, registry, ...managed, policy, createdAt };
  return encodeRecord(serviceSchema, record, raw);
}

const isEmpty = (fields: object): boolean => Object.keys(fields).length === 0;

/**
 * Reads `instance/<service>/<id>`. The id of a static instance must be its address.
 * @throws SluiceError `failed`
 */
export function decodeInstance(service: string, id: string, json: string): Decoded<Instance> {
  const key = `instance/${service}/${id}`;
  checkName(key, service);
  if (!isInstanceId(id)) {
    throw badRecord(key, {
      field: '',
      value: id,
      why: 'an instance id is an address or letters, digits, . and -',
    });
  }
  const { value, raw } = decodeRecord(key, json, instanceSchema);
  const { address, weight, origin, state, createdAt, ...life } = value;
  if (address.port === 0 && !(value.origin === 'managed' && PORTLESS.includes(value.state))) {
    throw badRecord(key, {
      field: 'address',
      value: formatAddress(address),
      why: `port 0 (none yet) only in a managed instance that is ${PORTLESS.join(', ')}`,
    });
  }
  if (value.origin === 'static' && formatAddress(address) !== id) {
    throw badRecord(key, {
      field: 'address',
      value: formatAddress(address),
      why: 'must be the id of a static instance',
    });
  }
  const { ip, port } = address;
  // Field by field: objects made by spreading take half as much memory again, and agents hold very many plain ones.
  const plain: Instance = { service, id, ip, port, weight, origin, state, createdAt };
  return { value: isEmpty(life) ? plain : { ...plain, ...life }, raw };
}

/** JSON of `instance/<service>/<id>`; service and id are in the key only. `why` and what people wrote are made plain and cut. */
export function encodeInstance(instance: Instance, raw?: Raw): string {
  const { weight, origin, state, node, templateHash, stateSince, restarts, createdAt } = instance;
  const address = formatAddress(instance);
  const why = instance.why === undefined ? undefined : reasonLine(instance.why);
  const drain = instance.drain === undefined ? undefined : plainDrain(instance.drain);
  const life = { state, node, templateHash, stateSince, why, restarts, drain };
  return encodeRecord(instanceSchema, { address, weight, origin, ...life, createdAt }, raw);
}

/** The claim of an entry: which service owns it. */
export interface EntryClaim {
  readonly entry: Entry;
  readonly service: string;
}

/**
 * Reads `entry/<ip>:<port>/<proto>`.
 * @param entry tail of the key
 * @throws SluiceError `failed`
 */
export function decodeEntryClaim(entry: string, json: string): Decoded<EntryClaim> {
  const key = `entry/${entry}`;
  const { value, raw } = decodeRecord(key, json, claimSchema);
  const parsed = v.safeParse(entryField, entry);
  if (!parsed.success) throw badRecord(key, { field: '', value: entry, why: parsed.issues[0].message });
  return { value: { entry: parsed.output, service: value.service }, raw };
}

/** JSON of an entry claim. */
export function encodeEntryClaim(claim: Pick<EntryClaim, 'service'>, raw?: Raw): string {
  return encodeRecord(claimSchema, { service: claim.service }, raw);
}

/**
 * Reads `generation`.
 * @throws SluiceError `failed`
 */
export function decodeGeneration(json: string): Decoded<Generation> {
  return decodeRecord('generation', json, generationSchema);
}

/** JSON of `generation`. */
export function encodeGeneration({ at, requestId }: Generation, raw?: Raw): string {
  return encodeRecord(generationSchema, { at, requestId }, raw);
}
