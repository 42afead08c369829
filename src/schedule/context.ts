/** Owns what the step of one service is made from. Types only. */
import type { Goal } from './crowd.ts';
import type { NodeStandings } from './nodes.ts';
import type { Occupancy, PlacementContext } from './placement.ts';
import type { Unit } from './units.ts';
import type { Now } from './view.ts';

/** What a step is made from. */
export interface StepContext extends PlacementContext {
  readonly now: Now;
  readonly nodes: NodeStandings;
  readonly goal: Goal;
  /** Mod revision of the service's record, 0 if it is gone. */
  readonly serviceRevision: number;
  readonly units: readonly Unit[];
  /** Assignments that stay, of all services; raised by what is placed. */
  readonly all: Occupancy['all'];
  /** The next fresh id; undefined when no more may be placed now. */
  readonly nextId: () => string | undefined;
}
