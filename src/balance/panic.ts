/** Owns which instances get connections when some are unhealthy: never too few of them, never none. Pure. */

/** Below this part of healthy ones health is not believed any more: what is wrong is then rather the checks, or all would go under. */
const PANIC_BELOW = 0.5;

/** What is left to choose from. */
export interface Usable<T> {
  /** In the order given. */
  readonly usable: readonly T[];
  /** Unhealthy ones were kept, since fewer than half are healthy. */
  readonly isPanic: boolean;
}

/**
 * The instances that may get connections: the healthy ones, or all that are there if fewer than half of them are healthy (Envoy's panic
 * threshold). Health alone never empties a service.
 * @param present those that would get connections if they were healthy: ready, with a weight
 */
export function usableOf<T extends { readonly healthy: boolean }>(present: readonly T[]): Usable<T> {
  const healthy = present.filter((instance) => instance.healthy);
  const isPanic = healthy.length < present.length * PANIC_BELOW;
  return { usable: isPanic ? present : healthy, isPanic };
}
