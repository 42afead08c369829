/**
 * Owns how much processor the control groups above instances get while there is not enough for all: as much as the node's processors are worth.
 * Weights count only among neighbours, and only then; they are no limits.
 */
import { writeFileSync } from 'node:fs';

/** File, what a group has of which nothing is said, and the most there can be (kernel: admin-guide/cgroup-v1/cpu-shares, cgroup-v2 cpu.weight). */
const WEIGHTS = {
  1: { file: 'cpu.shares', usual: 1_024, most: 262_144 },
  2: { file: 'cpu.weight', usual: 100, most: 10_000 },
} as const;

/**
 * Weighs a group above instances that was just made; what people set later stays. Else all instances together would count as one of the machine's
 * groups, or, where its processes are in none, as a single process. The kubelet weighs the group of all pods alike.
 */
export function weighParent(folder: string, version: 1 | 2, processors: number): void {
  const { file, usual, most } = WEIGHTS[version];
  try {
    // Not made if it is missing: a node without the controller has no weights, and everything runs as it would without them.
    writeFileSync(`${folder}/${file}`, String(Math.min(most, usual * processors)), { flag: 'r+' });
  } catch {
    // No such controller, or not ours to set.
  }
}
