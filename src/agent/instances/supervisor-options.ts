/** Owns what the supervisor of a node's instances is given, and what it offers. Types only. */
import type { Clock } from '../../host/clock.ts';
import type { LocalInstance } from '../../host/agent-status.ts';
import type { Log } from '../../host/log.ts';
import type { Address } from '../../model/address.ts';
import type { KeyValue, Store } from '../../store/store.ts';
import type { Withdrawn } from '../withdrawn.ts';
import type { Edges } from './edges.ts';
import type { EntriesFor, IpFor, Worker } from './worker.ts';

/** What the supervisor needs. */
export interface SupervisorOptions {
  readonly node: string;
  readonly stateDir: string;
  readonly store: Store;
  readonly edges: Edges;
  readonly clock: Clock;
  readonly log: Log;
  /** In [0, 1). */
  readonly random: () => number;
  /** The node's address for an instance of a service. */
  readonly ipFor: IpFor;
  readonly entriesFor: EntriesFor;
  /** Told which of its instances are not ready, whatever the store says. @returns resolves when the rules have it; undefined: they had */
  readonly withdraw: (withdrawn: Withdrawn) => Promise<void> | undefined;
  /** Told where its instances are that clients may be led to: those alone must not refuse connections. */
  readonly inService: (addresses: readonly Address[]) => void;
  /** Told what this node's instances are, for `sluice status` without the store. */
  readonly show: (managed: readonly LocalInstance[]) => void;
}

/** A running supervisor. */
export interface Supervisor {
  /**
   * The copy of `instance/` has changed.
   * @param keys that changed; undefined: all, it is a whole listing
   */
  readonly recordsChanged: (
    items: ReadonlyMap<string, KeyValue>,
    keys: readonly string[] | undefined,
  ) => void;
  /** What runs here, for status and for tests; sorted by service and id. */
  readonly instances: () => readonly Pick<Worker, 'service' | 'id' | 'life' | 'order' | 'since'>[];
  /** Instances run on. */
  readonly close: () => Promise<void>;
}
