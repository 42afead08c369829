/** Owns the difference between what is installed and what is desired, chain by chain. Pure. */
import type { Chains } from './chains.ts';
import { type Hook, HOOKS } from './fixed-chains.ts';
import type { Installed } from './parse.ts';

/** What must be sent. Chains are in the order of the desired ones; `gone` is sorted. */
export interface Delta {
  /** Chains that are new or hold other rules. */
  readonly changed: readonly string[];
  /** Chains of ours that are no longer wanted. */
  readonly gone: readonly string[];
  readonly missingHooks: readonly Hook[];
  /** Hooks that stand there more than once, as often as too much. */
  readonly extraHooks: readonly Hook[];
}

function sameLines(a: readonly string[] | undefined, b: readonly string[]): boolean {
  return a === b || (a?.length === b.length && b.every((line, index) => line === a[index]));
}

/** Compares rendered chains: unchanged ones (the same array, or equal text) are left alone. */
export function diffChains(installed: Installed, desired: Chains): Delta {
  const changed: string[] = [];
  for (const [name, lines] of desired) {
    if (!sameLines(installed.chains.get(name), lines)) changed.push(name);
  }
  const gone = [...installed.chains.keys()].filter((name) => !desired.has(name)).toSorted();
  const countOf = (hook: Hook): number => installed.hooks.filter((found) => found === hook).length;
  return {
    changed,
    gone,
    missingHooks: HOOKS.filter((hook) => countOf(hook) === 0),
    extraHooks: HOOKS.flatMap((hook) => Array.from({ length: Math.max(countOf(hook) - 1, 0) }, () => hook)),
  };
}

/** True if there is nothing to send. */
export function isEmptyDelta(delta: Delta): boolean {
  return [delta.changed, delta.gone, delta.missingHooks, delta.extraHooks].every((part) => part.length === 0);
}
