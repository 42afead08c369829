/**
 * Owns what the samples of all nodes say of each instance, and which of them are believed. Pure.
 *
 * Ages are told by the clock of who reads, never by the clocks of nodes: those may be an hour off, or jump.
 */
import { LOAD_LIMITS, type NodeLoad } from '../../model/load.ts';

/** A sample that is older says nothing: three beats of 2 s. */
const FRESH_MS = 6_000;

/** The latest sample of a node. */
export interface SeenLoad {
  readonly load: NodeLoad;
  /** For how long it has been known, by the monotonic clock of who reads. */
  readonly ageMs: number;
}

/** What is known of an instance now; a field that is missing is not known. */
export interface Signal {
  /** Used of the processor time that it may use, 0 to 1. */
  readonly cpu?: number | undefined;
  /** Established connections. */
  readonly connections?: number | undefined;
  /** New connections a second; undefined unless every node that forwards was heard: a part of them would look like long connections. */
  readonly rate?: number | undefined;
  /** How many nodes count them. */
  readonly counters: number;
}

/** Signals by `instanceKey`. */
export type Signals = ReadonlyMap<string, Signal>;

interface Draft {
  cpu?: number | undefined;
  connections?: number | undefined;
  rate?: number | undefined;
  counters: number;
  /** Age of the sample of its own node. */
  ageMs: number;
}

/** A number that can have been measured, else undefined. */
const sound = (value: number | undefined, most: number): number | undefined =>
  value !== undefined && Number.isFinite(value) && value >= 0 && value <= most ? value : undefined;

const isFresh = ({ ageMs }: SeenLoad): boolean => ageMs >= 0 && ageMs <= FRESH_MS;

function takeOver(drafts: Map<string, Draft>, { load, ageMs }: SeenLoad, isWhole: boolean): void {
  const draftOf = (key: string): Draft => {
    const draft = drafts.get(key) ?? { counters: 0, ageMs: Number.POSITIVE_INFINITY };
    drafts.set(key, draft);
    return draft;
  };
  for (const [key, { cpu, connections }] of Object.entries(load.instances)) {
    const draft = draftOf(key);
    // Two nodes may both know an instance that moved: the younger sample is right.
    if (ageMs >= draft.ageMs) continue;
    draft.ageMs = ageMs;
    draft.cpu = sound(cpu, 1);
    draft.connections = sound(connections, LOAD_LIMITS.connections);
  }
  for (const [key, value] of Object.entries(load.newConnections)) {
    const rate = sound(value, LOAD_LIMITS.newConnectionsPerSecond);
    if (rate === undefined || !isWhole) continue;
    const draft = draftOf(key);
    draft.rate = (draft.rate ?? 0) + rate;
    draft.counters += 1;
  }
}

/**
 * Puts the samples of all nodes together, once for all services. Stale ones and impossible numbers are left out.
 * @param forwarding nodes that forward: those that are alive
 */
export function readSignals(loads: readonly SeenLoad[], forwarding: readonly string[]): Signals {
  const drafts = new Map<string, Draft>();
  const fresh = loads.filter(isFresh);
  const heard = new Set(fresh.map(({ load }) => load.node));
  const isWhole = forwarding.every((node) => heard.has(node));
  for (const seen of fresh) takeOver(drafts, seen, isWhole);
  return new Map(
    [...drafts].map(([key, { cpu, connections, rate, counters }]) => [
      key,
      { cpu, connections, rate, counters },
    ]),
  );
}
