/**
 * Owns the Keeper interface: something on the node that starts instances, outlives the agent and knows how they ended (systemd, podman). The
 * driver around it (kept-driver.ts) is the same for all. Implementations must not keep anything of their own in memory: an agent may be killed.
 */
import type { DriverName } from '../../model/template.ts';
import type { ExitStatus, Fingerprint, ProcessIdentity, StartOrder } from '../driver.ts';
import type { StartRecord } from '../instance-folders.ts';

/** A process in this boot. */
export type MainProcess = Pick<ProcessIdentity, 'pid' | 'startTicks'>;

/** What is kept on disk of an instance, written before its start; its environment is not, as it may hold secrets. */
export interface KeptRecord extends StartRecord {
  /** Word of this start; its unit or container bears it. */
  readonly run: string;
  readonly limits: StartOrder['limits'];
  /** Once it was seen running. */
  readonly main?: MainProcess | undefined;
}

/** What the keeper says of one start. */
export type KeptSight =
  | {
      readonly kind: 'running';
      readonly main: MainProcess;
      /** Text that the paths of its control groups hold, and no others. */
      readonly groupMark: string;
    }
  | { readonly kind: 'exited'; readonly exit: ExitStatus }
  /** On its way up or down: ask again. */
  | { readonly kind: 'changing' }
  /** It knows nothing of this start. */
  | { readonly kind: 'absent' };

/** A start of which everything was checked. */
export interface Ready {
  readonly notes: readonly string[];
  /**
   * Starts it; resolves once its program runs or has ended. The record and the files of its output are on disk.
   * @throws SluiceError `failed`
   */
  readonly start: (record: KeptRecord) => Promise<void>;
}

/** Somebody who keeps instances. Methods throw SluiceError if the keeper cannot be asked. */
export interface Keeper {
  readonly name: DriverName;
  readonly fingerprint: () => Promise<Fingerprint>;
  /**
   * Checks an order, the node's policy last. Starts and writes nothing.
   * @throws SluiceError `permission`, `config`, `failed`
   */
  readonly prepare: (order: StartOrder) => Promise<Ready>;
  readonly look: (record: KeptRecord) => Promise<KeptSight>;
  /** Kills everything that the instance is made of. */
  readonly kill: (record: KeptRecord) => Promise<void>;
  /** Takes away whatever it keeps under this id, running or not, and stops a start that is still on its way; resolves when the id is free. @throws SluiceError `failed` */
  readonly clear: (id: string) => Promise<void>;
}
