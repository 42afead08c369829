/** Owns what a monitor remembers from one look at the cluster to the next. Pure: the memory is a value, time is an argument. */
import type { Assignment } from '../model/assignment.ts';
import type { InstanceState, Stored } from '../model/service.ts';
import { nodesOutOfReach } from '../health/votes.ts';
import { saidIn, silentNodes } from './nodes.ts';
import { type ClusterState, type Failure, failureKey, type Memory, unitKey, type Waiting } from './view.ts';

/** Where something failed is forgotten after this long without another failure. */
const FORGET_FAILURE_MS = 30 * 60_000;

/** The memory of a monitor that begins to watch. */
export function emptyMemory(): Memory {
  return {
    sinceMs: undefined,
    storeBackMs: undefined,
    silentSinceMs: new Map(),
    awaySinceMs: new Map(),
    waiting: new Map(),
    failures: new Map(),
  };
}

/** What an assigned instance is like. */
interface SeenUnit {
  readonly state: InstanceState;
  /** It failed, or stopped though nobody asked it to. */
  readonly failed: boolean;
}

/** Every assigned instance by `unitKey`. */
function seenUnits(view: ClusterState): ReadonlyMap<string, SeenUnit> {
  const asked = new Set<string>();
  const seen = new Map<string, SeenUnit>();
  for (const { value } of view.assignments) {
    const key = unitKey(value.service, value.id);
    seen.set(key, { state: 'pending', failed: false });
    if (value.stop !== undefined) asked.add(key);
  }
  for (const instances of view.instances.values()) {
    for (const { value } of instances) {
      const { state, drain } = value;
      const key = unitKey(value.service, value.id);
      const stoppedByItself = state === 'stopped' && drain === undefined && !asked.has(key);
      const failed = state === 'failed' || state === 'crashloop' || stoppedByItself;
      if (seen.has(key)) seen.set(key, { state, failed });
    }
  }
  return seen;
}

function waitingAfter(
  before: Memory,
  seen: ReadonlyMap<string, SeenUnit>,
  nowMs: number,
): ReadonlyMap<string, Waiting> {
  const waiting = new Map<string, Waiting>();
  for (const [key, { state, failed }] of seen) {
    if (state === 'ready') continue;
    const known = before.waiting.get(key);
    const unreadySinceMs = known?.unreadySinceMs ?? nowMs;
    const same = known?.state === state;
    waiting.set(key, same ? known : { state, failed, stateSinceMs: nowMs, unreadySinceMs });
  }
  return waiting;
}

/** Each instance counts when it is first seen to have failed, and again when it failed after it was something else. */
function failuresAfter(
  before: Memory,
  assignments: readonly Stored<Assignment>[],
  now: { readonly seen: ReadonlyMap<string, SeenUnit>; readonly nowMs: number },
): ReadonlyMap<string, Failure> {
  const { seen, nowMs } = now;
  const failures = new Map(
    [...before.failures].filter(([, { lastMs }]) => nowMs - lastMs < FORGET_FAILURE_MS),
  );
  for (const { value } of assignments) {
    const key = unitKey(value.service, value.id);
    if (seen.get(key)?.failed !== true || before.waiting.get(key)?.failed === true) continue;
    const place = failureKey(value.service, value.templateHash, value.node);
    failures.set(place, { count: (failures.get(place)?.count ?? 0) + 1, lastMs: nowMs });
  }
  return failures;
}

/** The memory after another look. */
export function remember(before: Memory, view: ClusterState, nowMs: number): Memory {
  const seen = seenUnits(view);
  const away = nodesOutOfReach({ away: new Set(before.awaySinceMs.keys()) }, saidIn(view));
  return {
    sinceMs: before.sinceMs ?? nowMs,
    storeBackMs: before.storeBackMs,
    silentSinceMs: new Map(
      silentNodes(view).map((name) => [name, before.silentSinceMs.get(name) ?? nowMs] as const),
    ),
    awaySinceMs: new Map([...away].map((name) => [name, before.awaySinceMs.get(name) ?? nowMs] as const)),
    waiting: waitingAfter(before, seen, nowMs),
    failures: failuresAfter(before, view.assignments, { seen, nowMs }),
  };
}

/** The memory of one that had not seen the store up to now: what it saw of silence is worth nothing for a while. */
export const storeCameBack = (before: Memory, nowMs: number): Memory => ({ ...before, storeBackMs: nowMs });
