/** Owns the bond of a load world to a describe block of vitest: agents and monitors start before all its tests, and end after. */
import { afterAll, beforeAll } from 'vitest';
import type { Lab } from './lab.ts';
import { type LoadWorld, openLoadWorld } from './load-world.ts';

/**
 * One load world for all tests of a describe block, in its lab; what is given besides is as for `openLoadWorld`.
 * @returns gives it inside tests and later hooks
 */
export function useLoadWorld(
  lab: () => Lab,
  watched?: number,
  monitorFlags?: readonly string[],
): () => LoadWorld {
  let world: LoadWorld | undefined;
  beforeAll(async () => {
    world = await openLoadWorld(lab(), watched, monitorFlags);
  });
  afterAll(async () => {
    await world?.close();
  });
  return () => {
    if (world === undefined) throw new Error('agents and monitors are up only inside tests and hooks');
    return world;
  };
}
