/** Owns `status`: is the store there, do the agents follow, does every service have instances. */
import { SluiceError } from '../errors.ts';
import type { LocalAgent } from '../host/agent-status.ts';
import type { Leader } from '../model/decision.ts';
import { collectPaced } from '../model/pace.ts';
import type { EndpointStatus } from '../store/store.ts';
import { type ClusterRead, readCluster } from './cluster-read.ts';
import type { ReadDeps } from './deps.ts';
import {
  type Finding,
  localFindings,
  managedFindings,
  nodeFindings,
  recordFindings,
  serviceFindings,
  storeFindings,
} from './findings.ts';
import { nodeItems, serviceItems } from './items.ts';
import { serviceNotFound } from './not-found.ts';
import type { InvalidRecord, NodeItem, ServiceItem } from './views.ts';

/** The store as seen from here. */
interface StoreView {
  readonly description: string;
  /** A linearizable read was answered. If false, `nodes` and `services` are empty and only `local` tells. */
  readonly reachable: boolean;
  readonly revision: number | undefined;
  /** Of the fastest healthy endpoint. */
  readonly latencyMs: number | undefined;
  readonly endpoints: readonly EndpointStatus[];
  readonly error: string | undefined;
}

/** The whole status at one moment. */
export interface StatusReport {
  readonly at: string;
  readonly store: StoreView;
  /** Agents that are alive, of all nodes ever seen. */
  readonly agents: { readonly reporting: number; readonly total: number };
  /** Who decides for managed services; undefined if no monitor leads. */
  readonly leader: Leader | undefined;
  readonly nodes: readonly NodeItem[];
  readonly services: readonly ServiceItem[];
  /** What the agent on this machine says of itself, if there is one. */
  readonly local: LocalAgent | undefined;
  readonly findings: readonly Finding[];
  /** No finding of severity `error`. */
  readonly healthy: boolean;
  readonly invalid: readonly InvalidRecord[];
}

/** What `status` reads besides the store. */
export interface StatusOptions {
  /** Only this service in the table and in the findings about services. */
  readonly service?: string | undefined;
  /** Reads the status file of the agent on this machine (host/agent-status.ts); undefined if there is none. */
  readonly readLocal?: (() => Promise<LocalAgent | undefined>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A value, or the SluiceError of one of these codes instead of it. */
async function orError<T>(
  promise: Promise<T>,
  codes: readonly SluiceError['code'][],
): Promise<
  | { readonly value: T; readonly error: undefined }
  | { readonly value: undefined; readonly error: SluiceError }
> {
  try {
    return { value: await promise, error: undefined };
  } catch (error) {
    if (error instanceof SluiceError && codes.includes(error.code)) return { value: undefined, error };
    throw error;
  }
}

const oneLine = (error: SluiceError): string =>
  error.why === undefined ? error.message : `${error.message}: ${error.why}`;

function storeView(
  description: string,
  read: ClusterRead | undefined,
  seen: { readonly endpoints: readonly EndpointStatus[]; readonly error: SluiceError | undefined },
): StoreView {
  const latencies = seen.endpoints.flatMap(({ healthy, latencyMs }) =>
    healthy && latencyMs !== undefined ? [latencyMs] : [],
  );
  return {
    description,
    reachable: read !== undefined,
    revision: read?.revision,
    latencyMs: latencies.length === 0 ? undefined : Math.min(...latencies),
    endpoints: seen.endpoints,
    error: seen.error === undefined ? undefined : oneLine(seen.error),
  };
}

async function localView(
  options: StatusOptions,
): Promise<{ readonly local: LocalAgent | undefined; readonly findings: readonly Finding[] }> {
  const local = await orError(options.readLocal?.() ?? Promise.resolve(undefined), ['failed', 'permission']);
  if (local.error === undefined) return { local: local.value, findings: [] };
  const finding: Finding = {
    severity: 'warn',
    code: 'local-unreadable',
    ref: 'agent',
    text: oneLine(local.error),
  };
  return { local: undefined, findings: [finding] };
}

interface Seen {
  readonly view: StoreView;
  readonly read: ClusterRead | undefined;
  readonly local: Awaited<ReturnType<typeof localView>>;
  readonly now: Date;
  /** All of them. */
  readonly all: readonly ServiceItem[];
}

function reportOf({ view, read, local, now, all }: Seen, service: string | undefined): StatusReport {
  const nodes = read === undefined ? [] : nodeItems(read.nodes, now);
  const services = service === undefined ? all : all.filter(({ name }) => name === service);
  const reporting = nodes.filter(({ alive }) => alive).length;
  const invalid = read?.invalid ?? [];
  const findings = [
    ...storeFindings(view.error, view.endpoints),
    ...local.findings,
    ...localFindings(local.local, now),
    ...nodeFindings(nodes, read?.specRevision ?? 0),
    ...serviceFindings(services, reporting),
    ...managedFindings(services, read?.leader),
    ...recordFindings(invalid),
  ];
  // What the agent of this node says of its failures may come twice: from its file and from the store.
  const unique = new Map(findings.map((finding) => [`${finding.code} ${finding.ref}`, finding]));
  return {
    at: now.toISOString(),
    store: view,
    agents: { reporting, total: nodes.length },
    leader: read?.leader,
    nodes,
    services,
    local: local.local,
    findings: [...unique.values()],
    healthy: findings.every(({ severity }) => severity !== 'error'),
    invalid,
  };
}

/**
 * The status. An unreachable store is a finding, not an error, and the answer then takes one call's budget (2.5 s).
 * @throws SluiceError `not-found` (options.service), `permission`, `interrupted`
 */
export async function status(deps: ReadDeps, options: StatusOptions = {}): Promise<StatusReport> {
  const { store, clock } = deps;
  const { service } = options;
  const call = { signal: options.signal };
  const [endpoints, read, local] = await Promise.all([
    orError(store.status(call), ['unavailable']),
    orError(readCluster(store, { ...call, ...deps.reading }), ['unavailable']),
    localView(options),
  ]);
  if (service !== undefined && read.value?.snapshot.services.has(service) === false) {
    throw await serviceNotFound(store, [service], call);
  }
  const seen = { endpoints: endpoints.value ?? [], error: read.error };
  const view = storeView(store.description, read.value, seen);
  const now = clock.now();
  const all = await collectPaced(
    read.value === undefined ? [] : serviceItems(read.value, now),
    deps.reading?.pace,
  );
  return reportOf({ view, read: read.value, local, now, all }, service);
}
