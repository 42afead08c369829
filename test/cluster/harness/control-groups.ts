/** Owns the control groups that agents of a lab leave behind: they are killed, and nobody starts another one on their files. */
import { rmdir } from 'node:fs/promises';
import path from 'node:path';
import type { Workplace } from '../../../src/dev/machine.ts';
import { cgroupPartsOf, sweepCgroups } from '../../../src/runtime/cgroup/cgroup.ts';
import { readCgroupMounts } from '../../../src/runtime/cgroup/mounts.ts';
import { driverFolder } from '../../../src/runtime/running.ts';
import { stateDirOf } from './control.ts';

/** Removes the empty groups of the drivers of these nodes. Each name is made of the node's own folder: nobody else's is met. The group of all stays: others may be about to use it. */
export async function removeControlGroups(nodes: readonly Workplace[]): Promise<void> {
  const mounts = readCgroupMounts();
  const roots = new Set([...mounts.v1.values(), ...(mounts.v2 === undefined ? [] : [mounts.v2.path])]);
  for (const node of nodes) {
    for (const driver of ['process', 'exec']) {
      const parts = cgroupPartsOf(driverFolder(stateDirOf(node), driver));
      await sweepCgroups(mounts, parts, new Set());
      // Not there, or somebody holds it: what is left of a lab is no fault of its tests.
      for (const root of roots) await rmdir(path.join(root, ...parts)).catch(() => undefined);
    }
  }
}
