/**
 * Owns rendezvous hashing (Thaler and Ravishankar 1998): everybody who knows the same candidates puts them into the same order for a thing, without
 * asking anybody, and a candidate that comes or goes moves only what is its own. Pure.
 */
import { createHash } from 'node:crypto';

const score = (thing: string, candidate: string): string =>
  createHash('sha256').update(`${thing} ${candidate}`).digest('hex');

/** The candidates in their order for this thing, whatever order they come in. */
export function rankFor(thing: string, candidates: readonly string[]): readonly string[] {
  return candidates
    .map((candidate) => ({ candidate, score: score(thing, candidate) }))
    .toSorted((a, b) => (a.score < b.score ? 1 : -1))
    .map(({ candidate }) => candidate);
}
