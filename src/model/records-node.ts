/** Owns the stored form of what nodes say of themselves: facts, liveness, acknowledgement. Pure. */
import * as v from 'valibot';
import { canonicalIp } from './address.ts';
import { countField, flagField, hashField, ipField, nameField, textField, timeField } from './fields.ts';
import { badLabel, LABEL_RULE, MAX_LABELS } from './labels.ts';
import { isName, NAME_RULE } from './name.ts';
import type { Applied, Holder, NodeAlive, NodeFacts } from './node.ts';
import {
  badRecord,
  type Decoded,
  decodeRecord,
  encodeRecord,
  type Raw,
  type RecordSchema,
} from './records.ts';
import { drainField, plainDrain, textMapField } from './records-template.ts';
import { DRIVERS } from './template-choices.ts';
import type { DriverName } from './template.ts';
import { plainText } from './text.ts';

/** Failure lines kept in an acknowledgement; the agent's log has them all. */
const MAX_FAILURES = 100;
const ADDRESSES = 'must be a list of 1 to 64 IP addresses';
const NETWORKS = 'must be a list of at most 64 networks';
const FAILURES = `must be a list of at most ${MAX_FAILURES} lines`;

/** Characters of why a driver is missing. */
const MAX_LINE = 200;

const DRIVER_LIST = 'must be a list of at most 32 drivers';
const LABELS = `must be at most ${MAX_LABELS} labels: ${LABEL_RULE}`;

const labelsField = v.pipe(
  textMapField,
  v.check((labels) => badLabel(labels) === undefined && Object.keys(labels).length <= MAX_LABELS, LABELS),
);

/** What the node's agent writes. */
const factsSchema = v.object({
  addresses: v.pipe(v.array(ipField, ADDRESSES), v.minLength(1, ADDRESSES), v.maxLength(64, ADDRESSES)),
  networks: v.optional(v.pipe(v.array(textField, NETWORKS), v.maxLength(64, NETWORKS))),
  cpus: countField,
  memoryBytes: countField,
  version: textField,
  kernel: textField,
  dataplane: textField,
  startedAt: timeField,
  labels: v.optional(labelsField),
  drivers: v.optional(v.pipe(v.array(textField, DRIVER_LIST), v.maxLength(32, DRIVER_LIST))),
  missingDrivers: v.optional(v.pipe(v.array(textField, DRIVER_LIST), v.maxLength(32, DRIVER_LIST))),
});

/** What people write. */
const ordersSchema = v.object({ cordoned: v.optional(flagField), drain: v.optional(drainField) });

const nodeSchema = v.object({ ...factsSchema.entries, ...ordersSchema.entries });

const aliveSchema = v.object({
  since: timeField,
  reaches: v.optional(v.record(nameField, flagField)),
});
const holderSchema = v.object({ node: nameField, since: timeField });

const appliedSchema = v.object({
  revision: countField,
  rulesHash: hashField,
  entries: countField,
  instances: countField,
  appliedAt: timeField,
  failures: v.pipe(v.array(textField, FAILURES), v.maxLength(MAX_FAILURES, FAILURES)),
});

function decodeOfNode<S extends RecordSchema>(
  key: string,
  node: string,
  source: { json: string; schema: S },
) {
  if (!isName(node)) throw badRecord(key, { field: '', value: node, why: `a name in a key is ${NAME_RULE}` });
  return decodeRecord(key, source.json, source.schema);
}

/**
 * Reads `node/<node>`.
 * @throws SluiceError `failed`
 */
export function decodeNode(name: string, json: string): Decoded<NodeFacts> {
  const { value, raw } = decodeOfNode(`node/${name}`, name, { json, schema: nodeSchema });
  const { drivers, ...rest } = value;
  const known = drivers?.filter(isDriver);
  return { value: { name, ...rest, ...(known === undefined ? {} : { drivers: known }) }, raw };
}

/** A driver that this version knows; others, of newer agents, are no placement for it. */
function isDriver(name: string): name is DriverName {
  return DRIVERS.some((driver) => driver === name);
}

/**
 * JSON of `node/<node>` as its agent writes it; the name is in the key only.
 * @param raw what is stored: `cordoned` and `drain`, which are people's, stay as they are there; those of `facts` are not written
 */
export function encodeNode(facts: NodeFacts, raw?: Raw): string {
  const { addresses, networks, cpus, memoryBytes, startedAt } = facts;
  const texts = {
    version: plainText(facts.version),
    kernel: plainText(facts.kernel),
    dataplane: plainText(facts.dataplane),
  };
  const links = networks === undefined ? {} : { networks: [...networks] };
  const { labels, drivers, missingDrivers } = facts;
  const place = {
    labels,
    drivers: drivers === undefined ? undefined : [...drivers],
    missingDrivers: missingDrivers?.map((line) => plainText(line, MAX_LINE)),
  };
  const record = { addresses: [...addresses], ...links, cpus, memoryBytes, startedAt, ...texts, ...place };
  return encodeRecord(factsSchema, record, raw);
}

/**
 * JSON of `node/<node>` as people's commands write it: what the agent says of the node stays as it is in `raw`.
 * @param raw what is stored
 */
export function encodeNodeOrders(
  { cordoned, drain }: Pick<NodeFacts, 'cordoned' | 'drain'>,
  raw: Raw,
): string {
  const order = drain === undefined ? undefined : plainDrain(drain);
  return encodeRecord(ordersSchema, { cordoned: cordoned === true ? true : undefined, drain: order }, raw);
}

/**
 * Reads `node-alive/<node>`.
 * @throws SluiceError `failed`
 */
export function decodeNodeAlive(name: string, json: string): Decoded<NodeAlive> {
  const { value, raw } = decodeOfNode(`node-alive/${name}`, name, { json, schema: aliveSchema });
  return { value: { name, ...value }, raw };
}

/** JSON of `node-alive/<node>`. */
export function encodeNodeAlive(alive: NodeAlive, raw?: Raw): string {
  const { since, reaches } = alive;
  return encodeRecord(aliveSchema, { since, reaches: reaches && { ...reaches } }, raw);
}

/**
 * Reads `holder/<ip>`.
 * @throws SluiceError `failed`
 */
export function decodeHolder(ip: string, json: string): Decoded<Holder> {
  const key = `holder/${ip}`;
  if (canonicalIp(ip) !== ip)
    throw badRecord(key, { field: '', value: ip, why: 'an address in a key is canonical' });
  const { value, raw } = decodeRecord(key, json, holderSchema);
  return { value: { ip, ...value }, raw };
}

/** JSON of `holder/<ip>`. */
export function encodeHolder({ node, since }: Omit<Holder, 'ip'>): string {
  return encodeRecord(holderSchema, { node, since });
}

/**
 * Reads `applied/<node>`.
 * @throws SluiceError `failed`
 */
export function decodeApplied(node: string, json: string): Decoded<Applied> {
  const { value, raw } = decodeOfNode(`applied/${node}`, node, { json, schema: appliedSchema });
  return { value: { node, ...value }, raw };
}

/** JSON of `applied/<node>`. Failure lines are made plain and cut, so that an acknowledgement can always be written and read. */
export function encodeApplied(applied: Applied, raw?: Raw): string {
  const { revision, rulesHash, entries, instances, appliedAt } = applied;
  const failures = applied.failures.slice(0, MAX_FAILURES).map((line) => plainText(line));
  return encodeRecord(appliedSchema, { revision, rulesHash, entries, instances, appliedAt, failures }, raw);
}
