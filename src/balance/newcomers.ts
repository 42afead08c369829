/**
 * Owns what an instance gets in its first moment: a weight that stands before it is ready. Without one it would count as the others do until the
 * leader has seen it, with cold caches, and each one that gets ready would be a write for all nodes. Pure.
 */
import { FLOOR } from './adaptive/shares.ts';
import type { Candidate, Weights } from './weigh.ts';

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** An instance on its way up. */
export type Newcomer = Pick<Candidate, 'id' | 'weight'>;

/**
 * First weights: the least share, of the fair one that each will have when all of them are ready; 1 or more.
 * @param inForce weights of the instances that are ready
 */
export function firstWeights(
  newcomers: readonly Newcomer[],
  ready: readonly Candidate[],
  inForce: Weights,
): Weights {
  const all = sum(ready.map(({ id }) => inForce.get(id) ?? 0));
  const bases = sum([...ready, ...newcomers].map(({ weight }) => weight));
  return new Map(
    newcomers.map(({ id, weight }) => [id, Math.max(1, Math.round((FLOOR * all * weight) / bases))]),
  );
}
