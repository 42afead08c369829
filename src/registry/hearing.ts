/**
 * Owns what one API server hears: which registrations renew here, and which have gone silent. Heartbeats change memory only; the store is told
 * when one begins to be heard here or falls silent. Pure but for its own state: time is an argument (monotonic milliseconds).
 */

/** Renewals as one server hears them. Keys are the tail of the mark's key, `<app>/<id>`. */
export interface Hearing {
  readonly heard: (key: string, nowMs: number, durationMs: number) => void;
  readonly forget: (key: string) => void;
  /** Those that did not renew for as long as they promised to. They stay until they are forgotten. */
  readonly silent: (nowMs: number) => readonly string[];
  /** All that renew here. */
  readonly keys: () => Iterable<string>;
  readonly size: () => number;
}

/**
 * A server that was not asked for so long (paused, the machine asleep, drowned in work) did not read heartbeats that may have come: that time
 * is nobody's silence.
 */
const PAUSE_MS = 3_000;

/** Hears nothing yet. `silent` must be asked at least every second or so. */
export function createHearing(startMs: number): Hearing {
  const lease = new Map<string, { untilMs: number }>();
  let lookedMs = startMs;
  return {
    heard: (key, nowMs, durationMs) => {
      const known = lease.get(key);
      if (known === undefined) lease.set(key, { untilMs: nowMs + durationMs });
      else known.untilMs = nowMs + durationMs;
    },
    forget: (key) => void lease.delete(key),
    silent: (nowMs) => {
      const pausedMs = nowMs - lookedMs;
      lookedMs = nowMs;
      if (pausedMs > PAUSE_MS) for (const one of lease.values()) one.untilMs += pausedMs;
      const found: string[] = [];
      for (const [key, { untilMs }] of lease) if (untilMs < nowMs) found.push(key);
      return found;
    },
    keys: () => lease.keys(),
    size: () => lease.size,
  };
}
