/**
 * Owns how much processor the control groups above instances get while there is not enough for all: as much as the node's processors are worth.
 * Weights count only among neighbours, and only then; they are no limits.
 */
import { writeFileSync } from 'node:fs';
import { readSmallFile } from '../../host/small-file.ts';

/** File, what a group has of which nothing is said, and the most there can be (kernel: admin-guide/cgroup-v1/cpu-shares, cgroup-v2 cpu.weight). */
const WEIGHTS = {
  1: { file: 'cpu.shares', usual: 1_024, most: 262_144 },
  2: { file: 'cpu.weight', usual: 100, most: 10_000 },
} as const;

/**
 * Weighs a group above instances that has the usual weight; another one is people's and stays. Else all instances together would count as one of the machine's
 * groups, or, where its processes are in none, as a single process. The kubelet weighs the group of all pods alike.
 */
export function weighParent(folder: string, version: 1 | 2, processors: number): void {
  const { file, usual, most } = WEIGHTS[version];
  const path = `${folder}/${file}`;
  if (readSmallFile(path)?.trim() !== String(usual)) return;
  try {
    writeFileSync(path, String(Math.min(most, usual * processors)));
  } catch {
    // Not ours to set: everything runs as it would without.
  }
}
