/**
 * Owns which nodes should be there, and which of them fell silent together. It comes from what is wanted now, never from what renewed before, so
 * that a removal lowers it at once and nothing can stick. Pure.
 */
import type { HealthView, NodeEvidence } from './evidence.ts';

/** What falls silent within this time of each other is counted together. */
const TOGETHER_MS = 60_000;
/** Silent and out of reach of everybody for so long, it is no fault of the store or of a link: it is gone. */
const CONFIRMED_MS = 600_000;

/** Nodes that should be there: not excused, and not gone since before anybody looked with nothing left on them. */
export function expectedNodes({
  nodes,
  used,
  excused,
  watchingSinceMs,
}: HealthView): readonly NodeEvidence[] {
  return nodes
    .filter(({ name }) => !excused.has(name))
    .filter(
      ({ name, silentSinceMs }) =>
        silentSinceMs === undefined || silentSinceMs > watchingSinceMs || used.has(name),
    );
}

/** Something that is silent: since when it is known. */
export interface Silence {
  readonly name: string;
  readonly sinceMs: number;
}

/** Expected nodes that are silent or out of reach, but for those that are known to be gone. */
export function silentNodes(view: HealthView): readonly Silence[] {
  return expectedNodes(view).flatMap(({ name, silentSinceMs, awaySinceMs }): readonly Silence[] => {
    const sinceMs = silentSinceMs ?? awaySinceMs;
    const isConfirmed = awaySinceMs !== undefined && view.nowMs - awaySinceMs >= CONFIRMED_MS;
    const isGone = silentSinceMs !== undefined && isConfirmed;
    return sinceMs === undefined || isGone ? [] : [{ name, sinceMs }];
  });
}

/** Names of every group of at least `tooMany` that fell silent within a minute, sorted. */
export function fellTogether(silent: readonly Silence[], tooMany: number): readonly string[] {
  const ordered = silent.toSorted((a, b) => a.sinceMs - b.sinceMs);
  const found = new Set<string>();
  let [start, added] = [0, 0];
  for (let end = 0; end < ordered.length; end += 1) {
    while ((ordered[end]?.sinceMs ?? 0) - (ordered[start]?.sinceMs ?? 0) > TOGETHER_MS) start += 1;
    if (end - start + 1 < tooMany) continue;
    for (const { name } of ordered.slice(Math.max(start, added), end + 1)) found.add(name);
    added = end + 1;
  }
  return [...found].toSorted();
}
