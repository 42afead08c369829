/** Owns the control groups that agents of a lab leave behind: they are killed, and nobody starts another one on their files. */
import type { Workplace } from '../../../src/dev/machine.ts';
import { cgroupPartsOf, removeParents, sweepCgroups } from '../../../src/runtime/cgroup/cgroup.ts';
import { readCgroupMounts } from '../../../src/runtime/cgroup/mounts.ts';
import { driverFolder } from '../../../src/runtime/running.ts';
import { stateDirOf } from './control.ts';

/** Removes the empty groups of the drivers of these nodes, with the folders above. Each name is made of the node's own folder: nobody else's is met. */
export async function removeControlGroups(nodes: readonly Workplace[]): Promise<void> {
  const mounts = readCgroupMounts();
  for (const node of nodes) {
    for (const driver of ['process', 'exec']) {
      const parts = cgroupPartsOf(driverFolder(stateDirOf(node), driver));
      await sweepCgroups(mounts, parts, new Set());
      await removeParents(mounts, parts);
    }
  }
}
