/** Owns records of instances taken for something else than the store says. Pure but for the memory that keeps equal answers the same objects. */
import type { Instance, InstanceState, Stored } from './service.ts';

/** Rules of a service are made anew when one of its objects is another one: the same question must give the same object. */
const told = new WeakMap<Stored<Instance>, Stored<Instance>>();

/** The record as if it said this state; the same object each time that the same is asked. */
export function inState(stored: Stored<Instance>, state: InstanceState): Stored<Instance> {
  const before = told.get(stored);
  if (before?.value.state === state) return before;
  const { createRevision, modRevision, raw } = stored;
  const now = { value: { ...stored.value, state }, createRevision, modRevision, raw };
  told.set(stored, now);
  return now;
}
