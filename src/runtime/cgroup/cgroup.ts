/**
 * Owns one instance's control groups: making them with their limits, what they count, killing all in them, taking them away. Says plainly
 * what is not enforced. Must not know drivers.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { errnoOf } from '../../host/error-code.ts';
import { readSmallFile } from '../../host/small-file.ts';
import type { Limits } from '../../model/template.ts';
import type { CgroupMounts, Controller } from './mounts.ts';
import { weighParent } from './weight.ts';

/** Groups of one instance: a folder for each controller (version 1), or one (version 2). Plain data, kept on disk. */
export interface Cgroups {
  readonly version: 1 | 2;
  /** Folders that its processes join, in this order. */
  readonly folders: readonly string[];
  /** Which of them holds the files of a controller; version 2 has one for all. */
  readonly folderOf: Readonly<Partial<Record<Controller, string>>>;
}

/** What became of the limits. */
export interface CgroupSetup {
  readonly groups: Cgroups | undefined;
  /** One line for each limit that is not enforced as ordered, and why. */
  readonly notes: readonly string[];
}

type CgroupLimit = Exclude<keyof Limits, 'files'>;

/** Which controller enforces a limit. */
export const CONTROLLER_OF: Readonly<Record<CgroupLimit, Controller>> = {
  cpu: 'cpu',
  memoryBytes: 'memory',
  pids: 'pids',
};
const PERIOD_US = 100_000;
/** The kernel refuses quotas below 1 ms. */
const MIN_QUOTA_US = 1_000;

const quotaUs = (cpu: number): number => Math.max(MIN_QUOTA_US, Math.round(cpu * PERIOD_US));

/** Files of version 1 that set a limit: name and text, in the order of writing. The last may be missing on the node. */
function filesV1(limits: Limits): readonly (readonly [Controller, string, string, 'optional'?])[] {
  const { cpu, memoryBytes, pids } = limits;
  return [
    ...(cpu === undefined
      ? []
      : ([
          ['cpu', 'cpu.cfs_period_us', String(PERIOD_US)],
          ['cpu', 'cpu.cfs_quota_us', String(quotaUs(cpu))],
        ] as const)),
    ...(memoryBytes === undefined
      ? []
      : ([
          ['memory', 'memory.limit_in_bytes', String(memoryBytes)],
          ['memory', 'memory.memsw.limit_in_bytes', String(memoryBytes), 'optional'],
        ] as const)),
    ...(pids === undefined ? [] : ([['pids', 'pids.max', String(pids)]] as const)),
  ];
}

function filesV2(limits: Limits): readonly (readonly [Controller, string, string, 'optional'?])[] {
  const { cpu, memoryBytes, pids } = limits;
  return [
    ...(cpu === undefined ? [] : ([['cpu', 'cpu.max', `${quotaUs(cpu)} ${PERIOD_US}`]] as const)),
    ...(memoryBytes === undefined
      ? []
      : ([
          ['memory', 'memory.max', String(memoryBytes)],
          ['memory', 'memory.swap.max', '0', 'optional'],
        ] as const)),
    ...(pids === undefined ? [] : ([['pids', 'pids.max', String(pids)]] as const)),
  ];
}

const reasonOf = (error: unknown): string =>
  errnoOf(error) ?? (error instanceof Error ? error.message : String(error));

/** Folder names above a driver's instances: several agents on one machine (sandboxes) must not meet. */
export const cgroupPartsOf = (root: string): readonly string[] => [
  'sluice',
  createHash('sha256').update(path.resolve(root)).digest('hex').slice(0, 12),
];

/** Limits that these mounts can enforce, before anything is tried. */
export function enforceable(mounts: CgroupMounts): readonly CgroupLimit[] {
  const has = (controller: Controller): boolean =>
    mounts.v1.has(controller) || (mounts.v2?.controllers.includes(controller) ?? false);
  return (['cpu', 'memoryBytes', 'pids'] as const).filter((limit) => has(CONTROLLER_OF[limit]));
}

/** Makes a folder that may be there. Not `recursive`: below a mount that is gone, Node 20 tries that for ever. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

/** Makes folders below a mount, one in the other. */
function makeBelow(mount: string, parts: readonly string[]): void {
  for (const index of parts.keys()) {
    const folder = [mount, ...parts.slice(0, index + 1)].join('/');
    makeFolder(folder);
    if (index < parts.length - 1) weighParent(folder, 1, availableParallelism());
  }
}

/** Makes a folder in the tree of version 2, with the controllers handed down to it. @returns it */
function makeV2(mount: NonNullable<CgroupMounts['v2']>, parts: readonly string[]): string {
  const wanted = ['cpu', 'memory', 'pids'].filter((name) => mount.controllers.includes(name));
  let folder = mount.path;
  for (const [index, part] of parts.entries()) {
    // One by one: one that cannot be handed down must not keep the others.
    for (const name of wanted) {
      try {
        writeFileSync(`${folder}/cgroup.subtree_control`, `+${name}`);
      } catch {
        // Its limit file is then missing below, and the note says so.
      }
    }
    folder = `${folder}/${part}`;
    makeFolder(folder);
    if (index < parts.length - 1) weighParent(folder, 2, availableParallelism());
  }
  return folder;
}

/** What the one folder of version 2 stands for. */
export const V2_FOR_ALL = ['cpu', 'cpuacct', 'memory', 'pids', 'freezer'] as const;

function makeFolders(mounts: CgroupMounts, parts: readonly string[], notes: string[]): Cgroups | undefined {
  try {
    if (mounts.v1.size === 0) {
      if (mounts.v2 === undefined) return undefined;
      const folder = makeV2(mounts.v2, parts);
      const all = V2_FOR_ALL.map((controller) => [controller, folder]);
      return { version: 2, folders: [folder], folderOf: Object.fromEntries(all) };
    }
    const own = [...mounts.v1].map(
      ([controller, mount]) => [controller, [mount, ...parts].join('/')] as const,
    );
    // Controllers mounted together (cpu,cpuacct) share a folder.
    for (const mount of new Set(mounts.v1.values())) makeBelow(mount, parts);
    const folders = [...new Set(own.map(([, folder]) => folder))];
    return { version: 1, folders, folderOf: Object.fromEntries(own) };
  } catch (error) {
    notes.push(`control groups cannot be made here (${reasonOf(error)})`);
    return undefined;
  }
}

/**
 * Makes the groups of an instance, with or without limits: they also count, and hold together what it forks.
 * @param parts folder names from the mount down, the last one not used before
 */
export function makeCgroups(mounts: CgroupMounts, parts: readonly string[], limits: Limits): CgroupSetup {
  const problems: string[] = [];
  const groups = makeFolders(mounts, parts, problems);
  const failed = new Map<Controller, string>();
  for (const [controller, file, text, optional] of (groups?.version === 2 ? filesV2 : filesV1)(limits)) {
    const folder = groups?.folderOf[controller];
    const target = `${folder}/${file}`;
    if (folder === undefined || !existsSync(target)) {
      if (optional === undefined)
        failed.set(controller, problems[0] ?? `no cgroup controller ${controller} on this node`);
      continue;
    }
    try {
      writeFileSync(target, text);
    } catch (error) {
      failed.set(controller, `${file}: ${reasonOf(error)}`);
    }
  }
  return { groups, notes: [...failed].map(([controller, why]) => noteOf(controller, why)) };
}

/** The line that says that a limit is not enforced. */
export function noteOf(controller: Controller, why: string): string {
  const more =
    controller === 'memory' ? '; a limit of the address space would not be the same and is not set' : '';
  return `${controller} limit not enforced: ${why}${more}`;
}

/** How often the memory limit had something killed in these groups. */
export function outOfMemoryKills({ version, folderOf }: Cgroups): number {
  const file = version === 2 ? 'memory.events' : 'memory.oom_control';
  const text = folderOf.memory === undefined ? '' : (readSmallFile(`${folderOf.memory}/${file}`) ?? '');
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** Takes a folder away. @returns false if something still holds it. Not in place: the kernel takes milliseconds. */
async function removeFolder(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    return errnoOf(error) === 'ENOENT';
  }
}

/** Takes empty groups away. @returns false if processes still hold one */
export async function removeCgroups({ folders }: Pick<Cgroups, 'folders'>): Promise<boolean> {
  return (await Promise.all(folders.map(removeFolder))).every(Boolean);
}

const mountPaths = ({ v1, v2 }: CgroupMounts): readonly string[] => [
  ...new Set([...v1.values(), ...(v2 === undefined ? [] : [v2.path])]),
];

/**
 * Takes away empty groups that nobody knows of: an agent was killed between making them and writing them down.
 * @param known names of groups that are written down
 */
export async function sweepCgroups(
  mounts: CgroupMounts,
  parts: readonly string[],
  known: ReadonlySet<string>,
): Promise<void> {
  for (const mount of mountPaths(mounts)) {
    const parent = [mount, ...parts].join('/');
    if (!existsSync(parent)) continue;
    const names = readdirSync(parent, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    for (const { name } of names) {
      if (!known.has(name)) await removeFolder(`${parent}/${name}`);
    }
  }
}

/** Takes the folders above instances away if nothing is in them. @param parts from the mount down */
export async function removeParents(mounts: CgroupMounts, parts: readonly string[]): Promise<void> {
  for (const mount of mountPaths(mounts)) {
    for (let depth = parts.length; depth > 0; depth -= 1) {
      await removeFolder([mount, ...parts.slice(0, depth)].join('/'));
    }
  }
}
