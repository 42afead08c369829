/** Owns the read models: the items of `list`, `describe` and `status`, as they appear under `-o json`. Field names are stable: only ever added. */
import type { DrainOrder } from '../model/assignment.ts';
import type { Decision } from '../model/decision.ts';
import type { Labels } from '../model/labels.ts';
import type { PolicyObject } from '../model/policy-format.ts';
import type { ScalingPin } from '../model/policy-scaling.ts';
import type { InstanceState, Origin } from '../model/service.ts';
import type { TemplateWords } from '../model/template-words.ts';
import type { DriverName } from '../model/template.ts';

/** A service in a list. */
export interface ServiceItem {
  readonly name: string;
  /** Canonical text, sorted. */
  readonly entries: readonly string[];
  readonly origin: Origin;
  readonly masquerade: boolean;
  /** `none` or `client-ip=3h` */
  readonly affinity: string;
  /** One node at a time answers neighbours for the entries. */
  readonly announce: boolean;
  /** Which node answers for which address now; undefined if nobody. Empty if not announced. */
  readonly announcers: readonly { readonly ip: string; readonly node: string | undefined }[];
  /** Of registered services: the app that its instances register as. */
  readonly registry: string | undefined;
  /** Of managed services: how many instances there shall be, and the content hash of what each shall run. */
  readonly replicas: number | undefined;
  readonly templateHash: string | undefined;
  /** Number of instances, and how many of them get new connections (ready, weight above 0). */
  readonly instances: number;
  readonly ready: number;
  /** Live nodes that have applied this service's revision without failures, of all live nodes. */
  readonly nodesApplied: number;
  readonly nodesTotal: number;
  /** How connections are divided, and how the number of instances follows load: 'static'; 'adaptive, cpu 70%, 2-20'. */
  readonly policy: string;
  /** The number of instances as people set it for a while. */
  readonly pin: ScalingPin | undefined;
  /** Revision of the last change of the service or one of its instances; good for `--if-revision`. */
  readonly revision: number;
  readonly createdAt: string;
  readonly ageSeconds: number;
}

/** An instance in a list. */
export interface InstanceItem {
  readonly service: string;
  readonly id: string;
  /** `IP:PORT`. */
  readonly address: string;
  readonly ip: string;
  readonly port: number;
  readonly weight: number;
  /** Fraction 0-1 of the service's new connections. */
  readonly share: number;
  readonly origin: Origin;
  readonly state: InstanceState;
  /** True if it gets new connections. */
  readonly ready: boolean;
  readonly node: string | undefined;
  /** Of managed instances: since when it is in this state and why, how often it was started anew, and what it runs. */
  readonly stateSince: string | undefined;
  readonly why: string | undefined;
  readonly restarts: number | undefined;
  readonly templateHash: string | undefined;
  /** Of managed instances: false if it runs an older template than its service's. */
  readonly current: boolean | undefined;
  /** People asked to take it out. */
  readonly drain: DrainOrder | undefined;
  readonly revision: number;
  readonly createdAt: string;
  readonly ageSeconds: number;
}

/** A node in a list. */
export interface NodeItem {
  readonly name: string;
  /** Its agent renews its lease. */
  readonly alive: boolean;
  /** Since when the agent is alive; undefined if it is silent. */
  readonly aliveSince: string | undefined;
  /** The last time anything was heard of a silent node, at the latest; undefined if alive or never heard of. */
  readonly lastHeardAt: string | undefined;
  /** How long ago that was. */
  readonly silentSeconds: number | undefined;
  /** Other nodes that have an answer from its machine. */
  readonly reachedBy: readonly string[];
  /** It is out of reach: other nodes that had answers from its machine and have none now. Its instances get no connections. */
  readonly outOfReachOf: readonly string[];
  readonly addresses: readonly string[];
  readonly cpus: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly version: string | undefined;
  readonly kernel: string | undefined;
  readonly dataplane: string | undefined;
  readonly startedAt: string | undefined;
  readonly labels: Labels;
  /** Drivers that work there; undefined from agents that do not say. */
  readonly drivers: readonly DriverName[] | undefined;
  /** Those that do not, or are not allowed: `NAME: why`. */
  readonly missingDrivers: readonly string[];
  /** Set by people: nothing new is placed there. */
  readonly cordoned: boolean;
  /** Set by people: everything that runs there goes elsewhere. */
  readonly drain: DrainOrder | undefined;
  readonly appliedRevision: number | undefined;
  readonly appliedAt: string | undefined;
  readonly rulesHash: string | undefined;
  readonly entries: number | undefined;
  readonly instances: number | undefined;
  readonly failures: readonly string[];
}

/** Who changed a thing last, from the audit trail. */
export interface LastChange {
  readonly at: string;
  readonly actor: string;
  readonly host: string;
  readonly command: string;
  readonly reason: string | undefined;
  readonly requestId: string;
  readonly revision: number;
}

/** What one node has of one service. */
export interface NodeProgress {
  readonly node: string;
  readonly alive: boolean;
  readonly appliedRevision: number | undefined;
  readonly appliedAt: string | undefined;
  /** True if the applied revision is the service's or a later one. */
  readonly current: boolean;
  readonly failures: readonly string[];
}

/** `describe <service>`. */
export interface ServiceDescription {
  readonly kind: 'service';
  readonly service: ServiceItem;
  readonly instances: readonly InstanceItem[];
  readonly nodes: readonly NodeProgress[];
  /** Undefined if the record was not written by an audited command or the audit record is gone. */
  readonly lastChange: LastChange | undefined;
  /** Policies that people set, as in a spec file. */
  readonly policies: PolicyObject;
  /** What managed instances run, as in a spec file. */
  readonly template: TemplateWords | undefined;
  /** What the leader decided last, newest first. */
  readonly decisions: readonly Decision[];
}

/** `describe <service>/<instance>`. */
export interface InstanceDescription {
  readonly kind: 'instance';
  readonly instance: InstanceItem;
  readonly service: ServiceItem;
}

/** `describe node/<name>`. */
export interface NodeDescription {
  readonly kind: 'node';
  readonly node: NodeItem;
  /** Instances that run on the node, by their own word. */
  readonly instances: readonly InstanceItem[];
}

/** Any `describe` answer. */
export type Description = ServiceDescription | InstanceDescription | NodeDescription;

/** A stored record that could not be read; it is left out of everything else. */
export interface InvalidRecord {
  readonly key: string;
  readonly why: string;
}

/** A list at one store revision. */
export interface ListView<T> {
  readonly revision: number;
  /** Sorted by name; instances by service, then oldest first. */
  readonly items: readonly T[];
  /** Records that could not be read: to be warned about. */
  readonly invalid: readonly InvalidRecord[];
}
