/** Owns when an instance or a node counts as drained. Pure. */
import type { Reference } from '../model/reference.ts';
import { APPLIED, assignmentsOf, instanceKey, nodeKey, NODES_ALIVE, serviceKey } from '../store/keys.ts';
import { snapshotOf } from '../store/snapshot.ts';
import type { KeyRange, KeyValue } from '../store/store.ts';
import { keyRange, nodesOf } from './cluster-read.ts';
import { nodeProgress } from './items.ts';

/** What is the case, and whether that is drained. */
interface Drained {
  readonly met: boolean;
  readonly now: string;
}

/** The keys that it depends on. */
export function drainRanges(reference: Reference): readonly KeyRange[] {
  if (reference.kind === 'node') return [keyRange(nodeKey(reference.node)), assignmentsOf(reference.node)];
  if (reference.kind === 'service') return [keyRange(serviceKey(reference.service))];
  const { service, id } = reference;
  return [keyRange(instanceKey(service, id)), NODES_ALIVE, APPLIED];
}

/**
 * Whether an instance or node is drained. An instance that is not there is: whoever drains and then waits may find it gone already.
 * @param items the keys of `drainRanges`
 */
export function judgeDrained(
  items: ReadonlyMap<string, KeyValue>,
  reference: Exclude<Reference, { kind: 'service' }>,
): Drained {
  const all = [...items.values()];
  if (reference.kind === 'node') {
    const left = all.filter(({ key }) => key.startsWith(assignmentsOf(reference.node).start)).length;
    if (!items.has(nodeKey(reference.node))) return { met: true, now: 'not there' };
    return { met: left === 0, now: left === 0 ? 'nothing runs there' : `${left} instances left` };
  }
  const { snapshot } = snapshotOf(all, 0);
  const found = snapshot.instances.get(reference.service)?.find(({ value }) => value.id === reference.id);
  if (found === undefined) return { met: true, now: 'gone' };
  const { origin, state, drain } = found.value;
  if (origin === 'managed') return { met: state === 'stopped', now: state };
  if (drain === undefined && state === 'ready') return { met: false, now: 'ready: nobody asked to drain it' };
  const nodes = nodeProgress(nodesOf(all).nodes, found.modRevision).filter(({ alive }) => alive);
  const applied = nodes.filter(({ current }) => current).length;
  return { met: applied === nodes.length, now: `${state}, applied on ${applied}/${nodes.length} nodes` };
}
