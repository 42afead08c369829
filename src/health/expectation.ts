/**
 * Owns what should be there, and which of it fell silent together. It comes from what is wanted now, never from what renewed before, so that a
 * scale-in or a removal lowers it at once and nothing can stick. Pure.
 */
import { type HealthView, type InstanceEvidence, nameOf, type NodeEvidence } from './evidence.ts';
import { instanceAwaySince, isProvenGone, nodeAwaySince } from './standing.ts';

/** What falls silent within this time of each other is counted together. */
const TOGETHER_MS = 60_000;
/** Out of reach of everybody for so long, it is no fault of the store or of a link: it is gone. */
const CONFIRMED_MS = 600_000;

/** Nodes that should be there: not excused, and not gone since before anybody looked with nothing left on them. */
export function expectedNodes(view: HealthView): readonly NodeEvidence[] {
  const { nodes, instances, intent, watchingSinceMs } = view;
  const used = new Set(instances.map(({ node }) => node));
  return nodes
    .filter(({ name }) => !intent.excusedNodes.has(name))
    .filter(
      ({ name, silentSinceMs }) =>
        silentSinceMs === undefined || silentSinceMs > watchingSinceMs || used.has(name),
    );
}

/** Registered instances that should be there: nobody took them away, and neither their node. */
export function expectedInstances({ instances, intent }: HealthView): readonly InstanceEvidence[] {
  return instances.filter(
    (one) =>
      one.origin === 'registered' &&
      !intent.leaving.has(nameOf(one)) &&
      !(one.node !== undefined && intent.excusedNodes.has(one.node)),
  );
}

/** Something that is silent: since when it is known, and when it was last heard. */
export interface Silence {
  readonly name: string;
  readonly sinceMs: number;
  readonly heardMs: number;
}

/** True if the lease is gone and it has been out of reach for long. */
const isConfirmed = (awayMs: number | undefined, { nowMs }: HealthView): boolean =>
  awayMs !== undefined && nowMs - awayMs >= CONFIRMED_MS;

/** Expected nodes that are silent or out of reach, but for those that are known to be gone. */
export function silentNodes(view: HealthView): readonly Silence[] {
  return expectedNodes(view).flatMap((node): readonly Silence[] => {
    const away = nodeAwaySince(node, view.nowMs);
    const { name, silentSinceMs } = node;
    const sinceMs = silentSinceMs ?? away;
    const isGone = silentSinceMs !== undefined && isConfirmed(away, view);
    return sinceMs === undefined || isGone ? [] : [{ name, sinceMs, heardMs: sinceMs }];
  });
}

/** Expected instances whose lease is over, but for those that are known to be gone. */
export function silentInstances(view: HealthView): readonly Silence[] {
  const { nowMs } = view;
  return expectedInstances(view).flatMap((one): readonly Silence[] => {
    const { silentSinceMs, leaseMs = 0, probes } = one;
    const isGone = isProvenGone(probes, nowMs) || isConfirmed(instanceAwaySince(one, nowMs), view);
    if (silentSinceMs === undefined || isGone) return [];
    return [{ name: nameOf(one), sinceMs: silentSinceMs, heardMs: silentSinceMs - leaseMs }];
  });
}

/** Names of every group of at least `tooMany` whose times lie within a minute. */
function groups(
  times: readonly { readonly name: string; readonly ms: number }[],
  tooMany: number,
): ReadonlySet<string> {
  const sorted = times.toSorted((a, b) => a.ms - b.ms);
  const found = new Set<string>();
  let [start, added] = [0, 0];
  for (let end = 0; end < sorted.length; end += 1) {
    while ((sorted[end]?.ms ?? 0) - (sorted[start]?.ms ?? 0) > TOGETHER_MS) start += 1;
    if (end - start + 1 < tooMany) continue;
    for (const { name } of sorted.slice(Math.max(start, added), end + 1)) found.add(name);
    added = end + 1;
  }
  return found;
}

/**
 * Those that fell silent together with too many others. Leases of different length that end at one fault end at different times, so that
 * what was last heard within a minute counts as together too.
 */
export function fellTogether(silent: readonly Silence[], tooMany: number): readonly string[] {
  const since = silent.map(({ name, sinceMs }) => ({ name, ms: sinceMs }));
  const heard = silent.map(({ name, heardMs }) => ({ name, ms: heardMs }));
  return [...new Set([...groups(since, tooMany), ...groups(heard, tooMany)])].toSorted();
}
