/** Owns telling whether plain processes can be kept on this node, and which of their limits. */
import { accessSync, constants } from 'node:fs';
import { enforceable } from '../cgroup/cgroup.ts';
import type { CgroupMounts } from '../cgroup/mounts.ts';
import type { Fingerprint } from '../driver.ts';
import { LAUNCH_ENV } from '../launch/launch.ts';
import { missingPrograms } from '../launch/program.ts';

/** Programs that every start goes through; util-linux and coreutils (or busybox with setpriv and prlimit of util-linux). */
const NEEDED = ['sh', 'setsid', 'setpriv', 'prlimit', 'env'];

/** True if groups can be made where the controllers are. */
function canWrite(mounts: CgroupMounts): boolean {
  const paths =
    mounts.v1.size > 0 ? [...mounts.v1.values()] : mounts.v2 === undefined ? [] : [mounts.v2.path];
  try {
    for (const path of paths) accessSync(path, constants.W_OK);
    return paths.length > 0;
  } catch {
    return false;
  }
}

/** Looks at the node. */
export async function fingerprintProcess(mounts: CgroupMounts): Promise<Fingerprint> {
  const missing = await missingPrograms(NEEDED, LAUNCH_ENV['PATH']);
  const limits = [...(canWrite(mounts) ? enforceable(mounts) : []), 'files' as const];
  if (missing.length === 0) return { ok: true, limits };
  return { ok: false, limits, why: `missing programs: ${missing.join(', ')} (util-linux, coreutils)` };
}
