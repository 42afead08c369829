/** Owns what `status` holds against the cluster: from what was read to findings. Pure. */
import type { LocalAgent } from '../host/agent-status.ts';
import type { Leader } from '../model/decision.ts';
import type { EndpointStatus } from '../store/store.ts';
import { secondsSince } from './items.ts';
import type { InvalidRecord, NodeItem, ServiceItem } from './views.ts';

/** Something that is not as it should be. */
export interface Finding {
  /** `error` makes `status --check` fail (3); `warn` does not. */
  readonly severity: 'error' | 'warn';
  readonly code: FindingCode;
  /** What it is about: `store`, `node/n5`, `web`, or the key of a record. */
  readonly ref: string;
  /** One line. */
  readonly text: string;
}

/** Stable words for programs. */
type FindingCode =
  | 'store-unreachable'
  | 'store-degraded'
  | 'local-unreadable'
  | 'local-stopped'
  | 'view-stale'
  | 'node-silent'
  | 'node-unreachable'
  | 'node-lagging'
  | 'node-failing'
  | 'no-live-agent'
  | 'no-ready-instance'
  | 'not-answered'
  | 'no-leader'
  | 'self-preservation'
  | 'replicas-missing'
  | 'invalid-record';

const finding = (
  severity: Finding['severity'],
  code: FindingCode,
  about: { readonly ref: string; readonly text: string },
): Finding => ({ severity, code, ...about });

/** Of the store: unreachable, or some of its servers down. */
export function storeFindings(
  error: string | undefined,
  endpoints: readonly EndpointStatus[],
): readonly Finding[] {
  const ref = 'store';
  if (error !== undefined)
    return [finding('error', 'store-unreachable', { ref, text: `store unreachable: ${error}` })];
  const down = endpoints.filter(({ healthy }) => !healthy);
  if (down.length === 0) return [];
  const text = `${down.length} of ${endpoints.length} endpoints down: ${down.map(({ endpoint }) => endpoint).join(', ')}`;
  return [finding('warn', 'store-degraded', { ref, text })];
}

/** Of the agent on this machine: stopped, or its view of the store stale. */
export function localFindings(local: LocalAgent | undefined, now: Date): readonly Finding[] {
  if (local === undefined) return [];
  const ref = `node/${local.node}`;
  const found: Finding[] = [];
  if (!local.running) {
    const text = `the agent is not running (last applied revision ${local.revision} at ${local.appliedAt}); its rules stay in the kernel`;
    found.push(finding('error', 'local-stopped', { ref, text }));
  } else if (!local.connected) {
    const since = local.staleSince ?? local.appliedAt;
    const text = `stale since ${since} (${secondsSince(since, now)} s): forwarding goes on with revision ${local.revision}`;
    found.push(finding('error', 'view-stale', { ref, text }));
  }
  if (local.failures.length > 0) {
    found.push(finding('error', 'node-failing', { ref, text: local.failures.join('; ') }));
  }
  return found;
}

/** What other nodes found out about the machine. */
function machineOf({ reachedBy, outOfReachOf }: NodeItem): string {
  if (outOfReachOf.length > 0)
    return `; ${outOfReachOf.join(', ')} ${outOfReachOf.length === 1 ? 'reaches' : 'reach'} its machine no more: no connections to its instances`;
  return reachedBy.length > 0 ? `; its machine answers ${reachedBy.join(', ')}` : '';
}

function nodeFinding(node: NodeItem, specRevision: number): Finding | undefined {
  const ref = `node/${node.name}`;
  const applied = node.appliedRevision === undefined ? 'nothing' : String(node.appliedRevision);
  if (!node.alive) {
    const last = node.silentSeconds === undefined ? '' : ` for at most ${node.silentSeconds} s`;
    const had = node.appliedRevision === undefined ? '' : ` (applied ${applied})`;
    return finding('warn', 'node-silent', { ref, text: `silent${last}${had}${machineOf(node)}` });
  }
  if (node.outOfReachOf.length > 0)
    return finding('warn', 'node-unreachable', { ref, text: `its agent is there${machineOf(node)}` });
  if (node.failures.length > 0)
    return finding('error', 'node-failing', { ref, text: node.failures.join('; ') });
  if ((node.appliedRevision ?? 0) >= specRevision) return undefined;
  return finding('warn', 'node-lagging', { ref, text: `behind: applied ${applied} of ${specRevision}` });
}

/** Of the nodes: silent, failing, behind. */
export function nodeFindings(nodes: readonly NodeItem[], specRevision: number): readonly Finding[] {
  return nodes.flatMap((node) => nodeFinding(node, specRevision) ?? []);
}

/** Of the services: nobody forwards, or there is nothing to forward to. */
export function serviceFindings(services: readonly ServiceItem[], liveNodes: number): readonly Finding[] {
  const lonely =
    services.length > 0 && liveNodes === 0
      ? [
          finding('error', 'no-live-agent', {
            ref: 'agents',
            text: 'no agent is alive: changes reach no node',
          }),
        ]
      : [];
  const empty = services
    .filter(({ ready, replicas }) => ready === 0 && replicas !== 0)
    .map(({ name, instances }) =>
      finding('error', 'no-ready-instance', {
        ref: name,
        text: `none of ${instances} instances gets connections`,
      }),
    );
  const silent = services.flatMap(({ name, announcers }) => {
    const ips = announcers.flatMap(({ ip, node }) => (node === undefined ? [ip] : []));
    if (ips.length === 0 || liveNodes === 0) return [];
    const text = `no node answers neighbours for ${ips.join(', ')}: none that is alive, forwards, and has perl is on its network`;
    return [finding('error', 'not-answered', { ref: name, text })];
  });
  return [...lonely, ...empty, ...silent];
}

/** Of managed services: nobody starts instances, or not all of them are ready. */
export function managedFindings(
  services: readonly ServiceItem[],
  leader: Leader | undefined,
): readonly Finding[] {
  const managed = services.filter(({ replicas }) => replicas !== undefined);
  const text =
    'no monitor leads: instances are neither started nor replaced (sluice monitor runs on the nodes)';
  const leaderless =
    managed.length > 0 && leader === undefined
      ? [finding('error', 'no-leader', { ref: 'monitor', text })]
      : [];
  const missing = managed
    .filter(({ ready, replicas = 0 }) => ready > 0 && ready < replicas)
    .map(({ name, ready, replicas = 0 }) =>
      finding('warn', 'replicas-missing', { ref: name, text: `${ready} of ${replicas} instances are ready` }),
    );
  const held = leader?.protection;
  const kept =
    held === undefined
      ? []
      : [
          finding('warn', 'self-preservation', {
            ref: 'monitor',
            text: `nothing that is silent is removed or started elsewhere: ${held.why}; this ends with ${held.ends}`,
          }),
        ];
  return [...leaderless, ...kept, ...missing];
}

/** Of records that cannot be read. */
export function recordFindings(invalid: readonly InvalidRecord[]): readonly Finding[] {
  return invalid.map(({ key, why }) => finding('error', 'invalid-record', { ref: key, text: why }));
}
