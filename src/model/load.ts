/**
 * Owns what a node measured of itself and of its instances, `current-load/<node>` (leased), and its stored form. Pure.
 *
 * What could not be measured is left out, never 0. Decisions move traffic and machines on these numbers, so a record with a value that
 * cannot be true is refused as a whole: its node then counts as one that says nothing.
 */
import * as v from 'valibot';
import { SluiceError } from '../errors.ts';
import { countField, nameField } from './fields.ts';
import { isName, NAME_RULE } from './name.ts';
import { isInstanceId } from './records-service.ts';
import { badRecord, type Decoded, decodeRecord, encodeRecord, type Raw } from './records.ts';

/** What a node measured of one of its instances. */
export interface InstanceLoad {
  /** Used of the processor time that it may use, 0 to 1 (cut at 1): of its limit, without one of all cores of the node. */
  readonly cpu?: number | undefined;
  /** Cores used: 1.5 = one and a half. */
  readonly cpuCores?: number | undefined;
  readonly memoryBytes?: number | undefined;
  /** Established connections. */
  readonly connections?: number | undefined;
  /** Connections that wait to be accepted. */
  readonly acceptQueue?: number | undefined;
}

/** What a node measured, one record every 2 s. */
export interface NodeLoad {
  readonly node: string;
  /** Milliseconds since 1970 by the clock of the node: tells one sample from the next, and no more than that. */
  readonly at: number;
  readonly cores: number;
  /** Used of all cores since the sample before, 0 to 1. */
  readonly cpu?: number | undefined;
  /** Part of the last 10 s in which something waited for a processor, 0 to 1 (`some avg10` ÷ 100). */
  readonly psiCpuSome10?: number | undefined;
  readonly memoryUsedBytes?: number | undefined;
  readonly memoryTotalBytes?: number | undefined;
  readonly load1?: number | undefined;
  /** Instances on this node, by `instanceKey`. */
  readonly instances: Readonly<Record<string, InstanceLoad>>;
  /** New connections a second that this node sent to instances anywhere, by `instanceKey`; 0 = counted, and there were none. */
  readonly newConnections: Readonly<Record<string, number>>;
  /** The same by service, of those of which all is known: also while their rules are rewritten and count anew for each instance. */
  readonly serviceConnections?: Readonly<Record<string, number>> | undefined;
  /** What `newConnections` is the mean of, if that is more than the time since the sample before. */
  readonly newConnectionsOverMs?: number | undefined;
}

/** What no machine has: anything above is not a measurement. */
export const LOAD_LIMITS = {
  cores: 65_536,
  connections: 10_000_000,
  newConnectionsPerSecond: 10_000_000,
  load1: 10_000_000,
} as const;

const INSTANCE_KEY = 'must be SERVICE/ID';

/** Name of an instance in a sample: `SERVICE/ID`. */
export const instanceKey = (service: string, id: string): string => `${service}/${id}`;

/** A finite number from 0 to `most`; JSON has no others, but callers do. */
function measured(most: number) {
  const message = `must be a number from 0 to ${most}`;
  return v.pipe(
    v.number(message),
    v.finite(message),
    v.minValue(0, message),
    v.maxValue(most, message),
    v.transform((value) => (value === 0 ? 0 : value)), // -0 too
  );
}

const keyField = v.pipe(
  v.string(INSTANCE_KEY),
  v.check((key) => {
    const at = key.indexOf('/');
    return isName(key.slice(0, Math.max(at, 0))) && isInstanceId(key.slice(at + 1));
  }, INSTANCE_KEY),
);

const fraction = measured(1);

/** In the order in which canonical JSON has them: there may be thousands. */
const instanceLoad = v.object({
  acceptQueue: v.optional(v.pipe(countField, measured(LOAD_LIMITS.connections))),
  connections: v.optional(v.pipe(countField, measured(LOAD_LIMITS.connections))),
  cpu: v.optional(fraction),
  cpuCores: v.optional(measured(LOAD_LIMITS.cores)),
  memoryBytes: v.optional(countField),
});

const loadSchema = v.object({
  node: nameField,
  at: countField,
  cores: measured(LOAD_LIMITS.cores),
  cpu: v.optional(fraction),
  psiCpuSome10: v.optional(fraction),
  memoryUsedBytes: v.optional(countField),
  memoryTotalBytes: v.optional(countField),
  load1: v.optional(measured(LOAD_LIMITS.load1)),
  instances: v.record(keyField, instanceLoad),
  newConnections: v.record(keyField, measured(LOAD_LIMITS.newConnectionsPerSecond)),
  serviceConnections: v.optional(v.record(nameField, measured(LOAD_LIMITS.newConnectionsPerSecond))),
  newConnectionsOverMs: v.optional(countField),
});

/**
 * Reads `current-load/<node>`.
 * @throws SluiceError `failed` naming key and field: not JSON, a value out of its range, or a record of another node
 */
export function decodeLoad(node: string, json: string): Decoded<NodeLoad> {
  const key = `current-load/${node}`;
  if (!isName(node)) throw badRecord(key, { field: '', value: node, why: `a name in a key is ${NAME_RULE}` });
  const decoded = decodeRecord(key, json, loadSchema);
  if (decoded.value.node === node) return decoded;
  throw badRecord(key, { field: 'node', value: decoded.value.node, why: 'must be the node of the key' });
}

/**
 * JSON of `current-load/<node>`.
 * @throws SluiceError `internal` naming the field if who reads it would refuse it
 */
export function encodeLoad(load: NodeLoad, raw?: Raw): string {
  const checked = v.safeParse(loadSchema, load, { abortEarly: true });
  if (checked.success) return encodeRecord(loadSchema, checked.output, raw);
  const [issue] = checked.issues;
  throw new SluiceError('internal', `no sample of a node: ${v.getDotPath(issue) ?? ''} ${issue.message}`);
}
