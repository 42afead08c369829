/** Owns the words of a managed instance's template: what to run, where it may run, how it is asked whether it is well, how it ends. Pure data. */

/** Who starts an instance and looks after its processes. */
export type DriverName = 'process' | 'exec' | 'systemd' | 'podman';

/** What a template and all its revisions say of every instance. Arguments may hold the placeholders of `PLACEHOLDERS`; no shell reads them. */
export interface Template {
  readonly driver: DriverName;
  /** Program and arguments. For containers: arguments of the image's entrypoint, may be empty. */
  readonly command: readonly string[];
  /** The other two programs of driver `exec`, whose `command` starts. */
  readonly hooks?: { readonly stop: readonly string[]; readonly status: readonly string[] } | undefined;
  /** Image of a container. */
  readonly image?: string | undefined;
  /** Values may hold placeholders; names are [A-Za-z_][A-Za-z0-9_]*. */
  readonly env: Readonly<Record<string, string>>;
  /** Absolute. */
  readonly workingDirectory?: string | undefined;
  /** User name; undefined: the policy's default user. */
  readonly user?: string | undefined;
  readonly ports: PortRange;
  readonly limits: Limits;
  readonly probe: Probe;
  /** Run on the instance's node before TERM, after new connections have ended. */
  readonly preStop?: { readonly command: readonly string[]; readonly timeoutSeconds: number } | undefined;
  /** How it is told to end, and how long it then has. */
  readonly stopSignal: StopSignal;
  readonly graceSeconds: number;
  /** How long open connections are waited for, and what becomes of those that are left. */
  readonly drainSeconds: number;
  readonly onDeadline: OnDeadline;
  /** Of each of stdout and stderr: size at which a file is rotated, and how many rotated ones are kept. */
  readonly logs: { readonly maxBytes: number; readonly keep: number };
  /** Labels that a node must have. */
  readonly nodeSelector: Readonly<Record<string, string>>;
}

/** Both ends included. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** Undefined: no limit. */
export interface Limits {
  /** In cores, e.g. 0.5. */
  readonly cpu?: number | undefined;
  readonly memoryBytes?: number | undefined;
  readonly pids?: number | undefined;
  /** Open files of each process. */
  readonly files?: number | undefined;
}

/** How an instance is asked whether it is well. An answer must be read; a connection alone is none: the kernel makes it in place of a program that hangs. */
export type Probe = ProbeTiming &
  (
    | {
        readonly kind: 'tcp';
        /** Sent after the connection is up. */
        readonly send?: string | undefined;
        /** Text that the answer must hold; undefined with `send`: any byte. Undefined without: that the program takes the connection. */
        readonly expect?: string | undefined;
      }
    | {
        readonly kind: 'http';
        readonly path: string;
        /** Value of the Host header; undefined: the address. */
        readonly host?: string | undefined;
        /** Status codes that are well, both ends included. */
        readonly status: { readonly from: number; readonly to: number };
      }
    | { readonly kind: 'exec'; readonly command: readonly string[] }
  );

/** When a probe asks, and how many answers count. */
export interface ProbeTiming {
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  /** So many in a row make it ready. */
  readonly successes: number;
  /** So many in a row make it unready. */
  readonly failures: number;
  /** From the start; failures within it do not count, and at its end it must be ready. */
  readonly startSeconds: number;
}

/** How a process may be told to end. */
export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2';

/** What becomes of connections that are open at the deadline of a drain: reset so that clients connect again, or left to the end of the process. */
export type OnDeadline = 'reset' | 'leave';

/** What arguments, environment, probes and hooks may hold, in braces: `{port}`. Replaced as text, never read by a shell. */
export const PLACEHOLDERS = ['port', 'ip', 'id', 'service', 'node'] as const;

/** Values of the placeholders for one instance. */
export type PlaceholderValues = Readonly<Record<(typeof PLACEHOLDERS)[number], string>>;
