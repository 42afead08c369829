/**
 * Owns the Driver interface: starting, finding again, asking and ending an instance's processes on this node. Implementations (process, exec,
 * systemd, podman) pass one contract suite. A driver keeps what it must know of an instance on disk, under its own state folder,
 * written before the instance is started, so that an agent that was killed at any moment finds everything again.
 */
import type { Entry } from '../model/entry.ts';
import type { DriverName, Limits, StopSignal } from '../model/template.ts';

/** Everything about one start, with all placeholders replaced and the node's policy applied. */
export interface StartOrder {
  /** Unique on the node among everything that still has files there. */
  readonly id: string;
  readonly service: string;
  readonly command: readonly string[];
  readonly hooks?: { readonly stop: readonly string[]; readonly status: readonly string[] } | undefined;
  readonly image?: string | undefined;
  /** Complete environment; a driver adds its own (own-variables.ts). */
  readonly env: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  /** Name of an existing user. */
  readonly user: string;
  readonly ip: string;
  readonly port: number;
  /** Of its service, for the node's policy; undefined: nobody knows them. */
  readonly entries?: readonly Entry[] | undefined;
  readonly limits: Limits;
  readonly logs: { readonly maxBytes: number; readonly keep: number };
}

/** What the kernel knows a process by: a pid alone may be another one's tomorrow. */
export interface ProcessIdentity {
  readonly bootId: string;
  readonly pid: number;
  /** Field 22 of /proc/PID/stat, in clock ticks since boot. */
  readonly startTicks: string;
}

/** How an instance ended. Exactly one of `code` and `signal` is set unless it is not known (`lost`). */
export interface ExitStatus {
  readonly code: number | undefined;
  readonly signal: string | undefined;
  /** Killed for its memory limit. */
  readonly outOfMemory: boolean;
  /** RFC 3339; undefined if not known. */
  readonly at: string | undefined;
  /** It is gone and nobody saw how: reboot, its keeper killed too. */
  readonly lost: boolean;
  /** Set if nothing of it ever ran, nor will: its agent died between writing the start down and starting it. */
  readonly unstarted?: true | undefined;
}

/** An instance as found on the node. */
export type Observed =
  | {
      readonly kind: 'running';
      readonly id: string;
      readonly service: string;
      readonly port: number;
      /** The main process; undefined if the driver has none to name (exec). */
      readonly main: ProcessIdentity | undefined;
      /** RFC 3339. */
      readonly startedAt: string;
      /** What is not enforced as ordered, one line each: 'memory limit: no cgroup memory controller'. */
      readonly notes: readonly string[];
    }
  | {
      readonly kind: 'exited';
      readonly id: string;
      readonly service: string;
      readonly port: number;
      readonly exit: ExitStatus;
    };

/** Use of one running instance. */
export interface Usage {
  /** CPU time since its start. */
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
  readonly pids: number;
  readonly outOfMemoryKills: number;
}

/** Whether a driver works on this node. */
export interface Fingerprint {
  readonly ok: boolean;
  readonly version?: string | undefined;
  /** Why it does not work, one line. */
  readonly why?: string | undefined;
  /** Which limits are enforced here. */
  readonly limits: readonly (keyof Limits)[];
}

/** How to end an instance. */
export interface StopOptions {
  readonly signal: StopSignal;
  readonly graceMs: number;
}

/** Which part of an instance's output. */
export interface LogOptions {
  readonly stream: 'stdout' | 'stderr' | 'both';
  /** Last so many lines first; undefined: all there are. */
  readonly tail?: number | undefined;
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/** A driver of this node. Methods throw SluiceError: `config`, `permission`, `failed` (with why and fix), `not-found` for an unknown id. */
export interface Driver {
  readonly name: DriverName;
  readonly fingerprint: () => Promise<Fingerprint>;
  /**
   * Idempotent by id: one that runs is left as it is; one that has ended is started anew, its logs stay. Asks the node's policy right before.
   * Resolves when the main process was started (not: when it is ready).
   */
  readonly start: (order: StartOrder) => Promise<Observed>;
  /** Everything of this driver on the node that was not removed, whoever started it. */
  readonly list: () => Promise<readonly Observed[]>;
  /**
   * Calls back once when an instance has ended, at the latest 1 s after it, usually within 20 ms; soon, if it has ended already. Of the next run
   * nobody is told who has not asked again. @returns stops listening
   */
  readonly onExit: (id: string, listener: (exit: ExitStatus) => void) => () => void;
  /**
   * True if its program is stopped as a whole (SIGSTOP): it serves nobody until it is continued. Seen within 1 s; cheap enough to be asked often.
   * Absent: this driver cannot tell.
   */
  readonly isHalted?: (id: string) => boolean;
  /** Signal, grace, then KILL the whole group, whatever it forked. Idempotent; one that has ended is no error. */
  readonly stop: (id: string, options: StopOptions) => Promise<ExitStatus>;
  /** Forgets an instance that has ended, with its files and logs. */
  readonly remove: (id: string) => Promise<void>;
  /** One batch for all. Absent: not running. */
  readonly usage: (ids: readonly string[]) => Promise<ReadonlyMap<string, Usage>>;
  readonly logs: (id: string, options: LogOptions) => AsyncIterable<Uint8Array>;
  /** Stops listening and watching; instances run on. */
  readonly close: () => Promise<void>;
}
