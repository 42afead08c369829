/**
 * Owns what the supervisor needs of this machine, as narrow functions: who starts processes, what the node's policy allows, who asks an
 * instance whether it is well, who counts its connections. Types only; open-edges.ts joins them with src/runtime.
 */
import type { Address } from '../../model/address.ts';
import type { Assignment } from '../../model/assignment.ts';
import type { Entry } from '../../model/entry.ts';
import type { DriverName } from '../../model/template.ts';
import type { Driver, StartOrder } from '../../runtime/driver.ts';

/** What is asked for a start. */
export interface PrepareOptions {
  readonly assignment: Assignment;
  /** The node's address that it shall listen on. */
  readonly ip: string;
  /** Of its service; undefined: nobody knows them. */
  readonly entries?: readonly Entry[] | undefined;
  /** The port that this very instance had before. */
  readonly port?: number | undefined;
}

/** An instance as it was started. */
export interface Running {
  readonly assignment: Assignment;
  readonly order: StartOrder;
}

/** Answer of one probe. */
export interface Answer {
  readonly well: boolean;
  /** One line, if it is not well. */
  readonly why?: string | undefined;
}

/** This machine, for the supervisor. Functions throw SluiceError. */
export interface Edges {
  /** Those that work here, by name; may grow. The policy decides about each start. */
  readonly drivers: ReadonlyMap<DriverName, Driver>;
  /** Those, and those that could not be opened yet. */
  readonly expected: readonly DriverName[];
  /**
   * Everything about a start: the node's policy is asked, a port is taken and written down, placeholders are replaced.
   * @throws SluiceError `permission` with the rule of the policy that refused, `config`, `conflict` without a free port, `failed`
   */
  readonly prepare: (options: PrepareOptions) => Promise<StartOrder>;
  /** Its port is free again, after its rest. */
  readonly release: (order: Pick<StartOrder, 'service' | 'id' | 'port'>) => Promise<void>;
  /** Asks once. Never throws: whatever goes wrong is a bad answer. */
  readonly ask: (
    running: Running,
    bounds: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ) => Promise<Answer>;
  /** True if its program is stopped by a signal, and so answers nobody. Asked often. */
  readonly isHalted: (running: Running) => boolean;
  /** Runs the pre-stop hook to its end or its time. @returns what went wrong, one line */
  readonly runHook: (running: Running, signal: AbortSignal) => Promise<string | undefined>;
  /** Established connections to each address, in the order asked. */
  readonly countConnections: (addresses: readonly Address[]) => Promise<readonly number[]>;
  /** Resets what is established to an address. */
  readonly resetConnections: (address: Address) => Promise<void>;
  /** Gives drivers up; instances run on. */
  readonly close: () => Promise<void>;
}
