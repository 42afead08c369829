/** Owns the control groups that somebody else (systemd, podman) made for an instance: which they are, and whether they enforce its limits. */
import { existsSync } from 'node:fs';
import { readKernelFile } from '../../host/machine.ts';
import { readSmallFile } from '../../host/small-file.ts';
import type { Limits } from '../../model/template.ts';
import { CONTROLLER_OF, noteOf, V2_FOR_ALL, type Cgroups } from './cgroup.ts';
import type { CgroupMounts, Controller } from './mounts.ts';

/** Paths by controller of /proc/PID/cgroup (man 7 cgroups); version 2 has the controller ''. */
export function parseProcessGroups(text: string): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, names, ...rest] = line.split(':');
    if (names === undefined) continue;
    for (const name of names.split(',')) paths.set(name, rest.join(':'));
  }
  return paths;
}

/**
 * Groups that a process is in, as far as they are its instance's own.
 * @param mark text that the paths of groups of this instance alone hold
 */
export function groupsOfProcess(mounts: CgroupMounts, pid: number, mark: string): Cgroups | undefined {
  const paths = parseProcessGroups(readKernelFile(`/proc/${pid}/cgroup`) ?? '');
  const own = (mount: string, name: string): string | undefined => {
    const path = paths.get(name);
    return path?.includes(mark) === true && existsSync(mount + path) ? mount + path : undefined;
  };
  if (mounts.v1.size === 0) {
    const folder = mounts.v2 === undefined ? undefined : own(mounts.v2.path, '');
    if (folder === undefined) return undefined;
    const all = V2_FOR_ALL.map((controller) => [controller, folder]);
    return { version: 2, folders: [folder], folderOf: Object.fromEntries(all) };
  }
  const found = [...mounts.v1].flatMap(([controller, mount]) => {
    const folder = own(mount, controller);
    return folder === undefined ? [] : [[controller, folder] as const];
  });
  const folders = [...new Set(found.map(([, folder]) => folder))];
  return folders.length === 0 ? undefined : { version: 1, folders, folderOf: Object.fromEntries(found) };
}

/** Files that hold a limit of each controller; without one: `max`, or for quotas of version 1 `-1`. */
const LIMIT_FILES: Readonly<Record<1 | 2, Readonly<Partial<Record<Controller, string>>>>> = {
  1: { cpu: 'cpu.cfs_quota_us', memory: 'memory.limit_in_bytes', pids: 'pids.max' },
  2: { cpu: 'cpu.max', memory: 'memory.max', pids: 'pids.max' },
};

const LIMITS = ['cpu', 'memoryBytes', 'pids'] as const;

/** True if that controller limits the groups at all; a memory limit of version 1 says "none" with a number near 2^63. */
function isLimited(groups: Cgroups, controller: Controller): boolean {
  const file = `${groups.folderOf[controller]}/${LIMIT_FILES[groups.version][controller]}`;
  const [word = ''] = (readSmallFile(file) ?? '').trim().split(' ');
  return /^\d+$/.test(word) && Number(word) < 2 ** 62;
}

/** One line for each limit that was ordered and that the groups do not have. */
export function unenforced(groups: Cgroups | undefined, limits: Limits): readonly string[] {
  return LIMITS.flatMap((limit) => {
    const controller = CONTROLLER_OF[limit];
    if (limits[limit] === undefined) return [];
    const isKept = groups?.folderOf[controller] !== undefined && isLimited(groups, controller);
    return isKept ? [] : [noteOf(controller, `no cgroup controller ${controller} for it on this node`)];
  });
}
