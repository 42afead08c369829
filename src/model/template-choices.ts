/** Owns the choices of a template's fields as lists: for checks, help and completion. Pure. */

/** All drivers there are. */
export const DRIVERS = ['process', 'exec', 'systemd', 'podman'] as const;
/** Signals that may tell a process to end. */
export const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;
/** What may become of connections at a deadline. */
export const ON_DEADLINE = ['reset', 'leave'] as const;
