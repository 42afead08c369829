/** Owns `status`: is the store there, do the agents follow, does every service have instances. */
import type { AgentStatus } from '../host/agent-status.ts';
import type { EndpointStatus } from '../store/store.ts';
import type { ReadDeps } from './deps.ts';
import type { InvalidRecord, NodeItem, ServiceItem } from './views.ts';

/** Something that is not as it should be. */
export interface Finding {
  /** `error` makes `status --check` fail (3); `warn` does not. */
  readonly severity: 'error' | 'warn';
  /** Stable word for programs: store-unreachable, store-degraded, view-stale, node-silent, node-lagging, node-failing, no-ready-instance, no-live-agent, invalid-record. */
  readonly code: string;
  /** What it is about: `store`, `node/n5`, `web`. */
  readonly ref: string;
  /** One line. */
  readonly text: string;
}

/** The whole status at one moment. */
export interface StatusReport {
  readonly at: string;
  readonly store: {
    readonly description: string;
    /** A linearizable read was answered. If false, `nodes` and `services` are empty and only `local` tells. */
    readonly reachable: boolean;
    readonly revision: number | undefined;
    /** Median of the healthy endpoints. */
    readonly latencyMs: number | undefined;
    readonly endpoints: readonly EndpointStatus[];
    readonly error: string | undefined;
  };
  readonly agents: { readonly reporting: number; readonly total: number };
  readonly nodes: readonly NodeItem[];
  readonly services: readonly ServiceItem[];
  /** What the agent on this machine says of itself, if there is one. */
  readonly local: AgentStatus | undefined;
  readonly findings: readonly Finding[];
  /** No finding of severity `error`. */
  readonly healthy: boolean;
  readonly invalid: readonly InvalidRecord[];
}

/** What `status` reads besides the store. */
export interface StatusOptions {
  /** Only this service in the table and in the findings. */
  readonly service?: string | undefined;
  /** Reads the status file of the agent on this machine (`readAgentStatus`); undefined if there is none. */
  readonly readLocal?: (() => Promise<AgentStatus | undefined>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The status. An unreachable store is a finding, not an error.
 * @throws SluiceError `not-found` (options.service), `permission`, `interrupted`
 */
export async function status(deps: ReadDeps, options: StatusOptions = {}): Promise<StatusReport> {
  throw new Error(`in work ${deps.store.description} ${options.service}`);
}
