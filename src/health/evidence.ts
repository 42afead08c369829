/** Owns the words of health: what is known of nodes and instances, what was taken away on purpose, and what is judged from it. Pure data. */
import { instanceKey } from '../model/load.ts';
import type { Origin } from '../model/service.ts';

/** What one prober knows of a node or an instance. Times are by the clock of whoever judges. */
export interface Probe {
  /** Node that probed; of an instance also its own. */
  readonly by: string;
  /** When this was last heard. */
  readonly atMs: number;
  /** Failures in a row; 0: it answers. */
  readonly failures: number;
  /** When the first of them was. */
  readonly failingSinceMs?: number | undefined;
  /** The machine answered that nothing listens there: that is proof, not absence of a sign. */
  readonly isRefused?: boolean | undefined;
}

/** What is known of a node. */
export interface NodeEvidence {
  readonly name: string;
  /** Since when its lease is gone; undefined: it is there. */
  readonly silentSinceMs?: number | undefined;
  /** When something that it wrote itself was last heard of: its sample, its probes of others. */
  readonly heardMs?: number | undefined;
  /** What others found that probed it. */
  readonly probes: readonly Probe[];
}

/** What is known of an instance. */
export interface InstanceEvidence {
  readonly service: string;
  readonly id: string;
  readonly origin: Origin;
  readonly node?: string | undefined;
  /** Of registered ones: since when its own lease is gone; undefined: it is there. */
  readonly silentSinceMs?: number | undefined;
  /** Of registered ones: how long a renewal lasts. */
  readonly leaseMs?: number | undefined;
  readonly probes: readonly Probe[];
}

/** What people or Sluice itself took away: its silence means nothing. */
export interface Intent {
  /** Cordoned, drained or removed. */
  readonly excusedNodes: ReadonlySet<string>;
  /** `SERVICE/ID` of instances that drain, stop, leave, or that nobody wants any more. */
  readonly leaving: ReadonlySet<string>;
}

/** Everything that is judged from. */
export interface HealthView {
  readonly nodes: readonly NodeEvidence[];
  readonly instances: readonly InstanceEvidence[];
  readonly intent: Intent;
  readonly nowMs: number;
  /** Since when whoever judges follows the store. */
  readonly watchingSinceMs: number;
  /** When it had the store again after it had lost it, or after it was paused; undefined: never lost. */
  readonly storeBackMs?: number | undefined;
}

/** Why nothing follows from silence, and what ends that: one line each, without numbers that change every second. */
export interface GateReason {
  readonly why: string;
  readonly ends: string;
}

/** Self-preservation: while it is closed, nothing is withdrawn, evicted or started elsewhere because something is silent. */
export type Gate =
  { readonly kind: 'open' } | { readonly kind: 'closed'; readonly reasons: readonly GateReason[] };

/** Name of an instance, `SERVICE/ID`. */
export const nameOf = ({ service, id }: Pick<InstanceEvidence, 'service' | 'id'>): string =>
  instanceKey(service, id);
