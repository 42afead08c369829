/**
 * Owns the key layout, relative to the prefix (default '/sluice/v1/'): one function per key family and one range per
 * listing. Must not know values. Names are checked before they get here (model/name), so no part can hold a slash but an entry's.
 */
import { type Entry, formatEntry } from '../model/entry.ts';
import type { KeyRange } from './store.ts';

/** Raised by every spec write in the same transaction; its version is the counter. */
export const GENERATION_KEY = 'generation';

/** `service/<name>` */
export const serviceKey = (service: string): string => `service/${service}`;
/** `instance/<service>/<id>` */
export const instanceKey = (service: string, id: string): string => `instance/${service}/${id}`;
/** `entry/<ip>:<port>/<proto>`: the claim of an entry. */
export const entryKey = (entry: Entry): string => `entry/${formatEntry(entry)}`;
/** `node/<node>` */
export const nodeKey = (node: string): string => `node/${node}`;
/** `node-alive/<node>` */
export const nodeAliveKey = (node: string): string => `node-alive/${node}`;
/** `applied/<node>` */
export const appliedKey = (node: string): string => `applied/${node}`;
/** `holder/<ip>`: the node that answers for the address of an announced entry. */
export const holderKey = (ip: string): string => `holder/${ip}`;
/**
 * `current-load/<node>`: what a node measured last. Not `load/`: that would sort into AGENT_RANGE, and every node's sample would wake every agent
 * (N² events every two seconds).
 */
export const loadKey = (node: string): string => `current-load/${node}`;
/** `demand/<service>`: what the leader remembers of how many instances were wanted. Outside of AGENT_RANGE, as `current-load/` is. */
export const demandKey = (service: string): string => `demand/${service}`;
/** `audit/<time>-<request id>`; `time` is RFC 3339 UTC with milliseconds, so that keys sort by time. */
export const auditKey = (time: string, requestId: string): string => `audit/${time}-${requestId}`;

/** `assignment/<node>/<service>/<id>` */
export const assignmentKey = (node: string, service: string, id: string): string =>
  `assignment/${node}/${service}/${id}`;
/** What `assignment/<node>/<service>/<id>` names, or undefined for a key of another form. */
export function assignmentOfKey(
  key: string,
): { readonly node: string; readonly service: string; readonly id: string } | undefined {
  const [family, node, service, id, ...rest] = key.split('/');
  if (family !== 'assignment' || node === undefined || service === undefined || id === undefined)
    return undefined;
  return rest.length > 0 ? undefined : { node, service, id };
}

/** `leader`: who decides for the cluster. */
export const LEADER_KEY = 'leader';
/** `decision/<service>/<time>`; `time` as in `auditKey`. */
export const decisionKey = (service: string, time: string): string => `decision/${service}/${time}`;
/** `lock/<scope>`: who does something of which there is one at a time. */
export const lockKey = (scope: string): string => `lock/${scope}`;
/** `access/<id>`: a token. Before `generation` in the order of keys, so that no agent's range holds it. */
export const accessKey = (id: string): string => `access/${id}`;

/** `weights/<service>`: what the balancer computed. */
export const weightsKey = (service: string): string => `weights/${service}`;
/** `app/<app>/<id>`: a registration. Like `alive/` before `generation` in the order of keys: agents are told of its instance only. */
export const registrationKey = (app: string, id: string): string => `app/${app}/${encodeURIComponent(id)}`;
/** `alive/<app>/<id>`: whether a registered instance renews. */
export const aliveKey = (app: string, id: string): string => `alive/${app}/${encodeURIComponent(id)}`;

/** `entry-range/<name>`: addresses from which apps get entries. */
export const entryRangeKey = (name: string): string => `entry-range/${name}`;
/** `allocation/<app>`: the entry that an app got. Before `generation`, as all that agents need not know. */
export const allocationKey = (app: string): string => `allocation/${app}`;

/** All keys that begin with `prefix`, which must end in an ASCII character below `~`. */
export function prefixRange(prefix: string): KeyRange {
  const last = prefix.charCodeAt(prefix.length - 1);
  return { start: prefix, end: prefix.slice(0, -1) + String.fromCharCode(last + 1) };
}

/** All services. */
export const SERVICES: KeyRange = prefixRange('service/');
/** All instances of one service. */
export const instancesOf = (service: string): KeyRange => prefixRange(`instance/${service}/`);
/** All nodes' facts. */
export const NODES: KeyRange = prefixRange('node/');
/** All live nodes. */
export const NODES_ALIVE: KeyRange = prefixRange('node-alive/');
/** All acknowledgements. */
export const APPLIED: KeyRange = prefixRange('applied/');
/** All claims on addresses of announced entries. */
export const HOLDERS: KeyRange = prefixRange('holder/');
/** All tokens. */
export const ACCESS: KeyRange = prefixRange('access/');
/** The samples of all nodes. */
export const LOADS: KeyRange = prefixRange('current-load/');
/** What the leader remembers of all services. */
export const DEMANDS: KeyRange = prefixRange('demand/');
/** All audit records. */
export const AUDIT: KeyRange = prefixRange('audit/');
/** What one node shall run. */
export const assignmentsOf = (node: string): KeyRange => prefixRange(`assignment/${node}/`);
/** What was decided for one service, oldest first. */
export const decisionsOf = (service: string): KeyRange => prefixRange(`decision/${service}/`);
/** What was decided for all services. */
export const DECISIONS: KeyRange = prefixRange('decision/');
/** All ranges of entries. */
export const ENTRY_RANGES: KeyRange = prefixRange('entry-range/');
/** What all apps got. */
export const ALLOCATIONS: KeyRange = prefixRange('allocation/');
/** All claims on entries. */
export const ENTRIES: KeyRange = prefixRange('entry/');
/** What all nodes shall run. */
export const ASSIGNMENTS: KeyRange = prefixRange('assignment/');

/** All registrations and all marks of their renewals: neighbours in the order of keys. */
export const REGISTRY: KeyRange = { start: 'alive/', end: 'app0' };

/**
 * What an agent follows: one contiguous range from `generation` to `weights/`, so that one watch delivers whole transactions in order.
 * It leaves out `applied/`, `audit/`, `current-load/` and `entry/`: with them every acknowledgement would wake every agent (N² events a publish).
 */
export const AGENT_RANGE: KeyRange = { start: GENERATION_KEY, end: 'weights0' };
