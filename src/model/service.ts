/** Owns the words service and instance as data: what the store holds of them and what an admin asks for. Pure. */
import type { Address } from './address.ts';
import type { DrainOrder } from './assignment.ts';
import type { Entry } from './entry.ts';
import type { ScalingPin, ServicePolicy } from './policy-scaling.ts';
import type { Template } from './template.ts';

/** Where an instance may come from: listed by an admin, started by Sluice, or self-registered. */
export const ORIGINS = ['static', 'managed', 'registered'] as const;
/** Where an instance comes from. */
export type Origin = (typeof ORIGINS)[number];

/** A service as stored under `service/<name>`. */
export interface Service {
  readonly name: string;
  /** Sorted, without repeats, at least one. */
  readonly entries: readonly Entry[];
  readonly origin: Origin;
  /** Replace the clients' source address by the node's (needed when instances answer past the node). */
  readonly masquerade: boolean;
  /** Seconds after its last new connection for which a client stays with its instance; undefined for no session affinity. */
  readonly affinitySeconds?: number | undefined;
  /** One node at a time answers for the entries' addresses by ARP and ND; undefined or false: nobody does. */
  readonly announce?: boolean | undefined;
  /** Of services that draw their instances from the registry: the app, in upper case. */
  readonly registry?: string | undefined;
  /** Of managed services: how many instances there shall be, and what each runs. */
  readonly replicas?: number | undefined;
  readonly template?: Template | undefined;
  /** How weights and the number of instances follow load. */
  readonly policy?: ServicePolicy | undefined;
  /** Of managed services: the number stays as people set it for a while. */
  readonly pin?: ScalingPin | undefined;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
}

/** An instance as stored under `instance/<service>/<id>`. For static instances the id is `ip:port`. */
export interface Instance extends Address {
  readonly service: string;
  readonly id: string;
  /** Base weight 0-65535 set by the admin. */
  readonly weight: number;
  readonly origin: Origin;
  /** Of static instances `ready`, or `draining` by order of people; of managed ones set by the agent of its node. */
  readonly state: InstanceState;
  readonly node?: string | undefined;
  /** Of managed instances: content hash of the template that it runs. */
  readonly templateHash?: string | undefined;
  /** Of managed instances: since when it is in this state (RFC 3339), and why, one line: 'exit code 1', 'probe: HTTP 503'. */
  readonly stateSince?: string | undefined;
  readonly why?: string | undefined;
  /** Of managed instances: starts after the first. */
  readonly restarts?: number | undefined;
  /** People asked to take it out; see serving.ts for what it means to the rules. */
  readonly drain?: DrainOrder | undefined;
  readonly createdAt: string;
}

/** Every state of an instance. */
export const INSTANCE_STATES = [
  'pending',
  'starting',
  'ready',
  'draining',
  'stopping',
  'stopped',
  'failed',
  'crashloop',
] as const;

/** Life of an instance. Only `ready` ones get new connections. */
export type InstanceState = (typeof INSTANCE_STATES)[number];

/** A thing read from the store with its revisions; `raw` is the stored JSON object, so that unknown fields are kept. */
export interface Stored<T> {
  readonly value: T;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly raw: Readonly<Record<string, unknown>>;
}

/** What an admin asks for: one service with its full set of static instances (from flags or a spec file). */
export interface ServiceSpec {
  readonly name: string;
  readonly entries: readonly Entry[];
  readonly instances: readonly InstanceSpec[];
  readonly masquerade: boolean;
  /** As in `Service`. */
  readonly affinitySeconds?: number | undefined;
  /** As in `Service`. */
  readonly announce?: boolean | undefined;
  /** As in `Service`; there are then no static instances. */
  readonly registry?: string | undefined;
  /** What managed instances run; there are then no static ones. */
  readonly template?: Template | undefined;
  /** With a template: how many instances; undefined: as many as now, one of a new service. */
  readonly replicas?: number | undefined;
  /** How weights and the number of instances follow load; undefined: as it is now. */
  readonly policy?: ServicePolicy | undefined;
}

/** One static instance of a spec. */
export interface InstanceSpec extends Address {
  readonly weight: number;
}
