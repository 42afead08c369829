/**
 * Owns how much processor control groups get while there is not enough for all: those above instances as much as the node's processors are
 * worth, a starting instance less than one that serves. Weights count only among neighbours, and only then; they are no limits.
 */
import { writeFileSync } from 'node:fs';
import type { Cgroups } from './cgroup.ts';

/** File, what a group has of which nothing is said, and the most there can be (kernel: admin-guide/cgroup-v1/cpu-shares, cgroup-v2 cpu.weight). */
const WEIGHTS = {
  1: { file: 'cpu.shares', usual: 1_024, most: 262_144 },
  2: { file: 'cpu.weight', usual: 100, most: 10_000 },
} as const;

/**
 * What an instance has while it starts, as part of the usual: beside one that serves on a full processor it gets a fifth instead of half of it, and eight of
 * them two thirds instead of eight ninths. Not less, as a node that is full must still get its next instance up.
 */
const STARTING_PART = 0.25;

/** Written where there is such a file: a node without the controller has no weights, and everything runs as it would without them. */
function write(folder: string | undefined, version: 1 | 2, part: number): void {
  const { file, usual, most } = WEIGHTS[version];
  if (folder === undefined) return;
  try {
    writeFileSync(`${folder}/${file}`, String(Math.min(most, Math.round(usual * part))), { flag: 'r+' });
  } catch {
    // No such controller, or not ours to set.
  }
}

/**
 * A group above instances, just made: worth as many processors as the node has. Else all instances together would count as one of the machine's
 * groups, or on a machine whose processes are in none, as a single process.
 */
export function weighParent(folder: string, version: 1 | 2, processors: number): void {
  write(folder, version, processors);
}

/** An instance that serves has the usual weight, one that starts less. */
export function weighInstance({ version, folderOf }: Cgroups, state: 'starting' | 'serving'): void {
  write(folderOf.cpu, version, state === 'starting' ? STARTING_PART : 1);
}
