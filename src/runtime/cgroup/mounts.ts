/** Owns which cgroup controllers this node has and where: version 1, one mount each; version 2, one tree; or both side by side. */
import { readKernelFile } from '../../host/machine.ts';

/** Controllers that matter here. `freezer` and `cpuacct` are part of the core in version 2. */
export type Controller = 'cpu' | 'cpuacct' | 'memory' | 'pids' | 'freezer';

/** Where controllers are. */
export interface CgroupMounts {
  /** Mount of each controller of version 1. */
  readonly v1: ReadonlyMap<Controller, string>;
  /** Mount of version 2 and the controllers it offers; undefined if there is none. */
  readonly v2: { readonly path: string; readonly controllers: readonly string[] } | undefined;
}

const CONTROLLERS: readonly Controller[] = ['cpu', 'cpuacct', 'memory', 'pids', 'freezer'];

/** `\040` of mountinfo → the character. */
const unescape = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/**
 * Reads them from the text of /proc/self/mountinfo.
 * @param controllersOf names in `cgroup.controllers` of a mount of version 2
 */
export function parseCgroupMounts(
  mountinfo: string,
  controllersOf: (path: string) => readonly string[],
): CgroupMounts {
  const v1 = new Map<Controller, string>();
  let v2: CgroupMounts['v2'];
  for (const line of mountinfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const path = unescape(left.split(' ')[4] ?? '');
    const [type, , options = ''] = right.split(' ');
    if (type === 'cgroup2') v2 ??= { path, controllers: controllersOf(path) };
    if (type !== 'cgroup') continue;
    const names = new Set(options.split(','));
    for (const controller of CONTROLLERS) {
      if (names.has(controller) && !v1.has(controller)) v1.set(controller, path);
    }
  }
  return { v1, v2 };
}

/** Those of this node, as they are now. */
export function readCgroupMounts(): CgroupMounts {
  return parseCgroupMounts(readKernelFile('/proc/self/mountinfo') ?? '', (path) =>
    (readKernelFile(`${path}/cgroup.controllers`) ?? '').split(' ').filter((name) => name !== ''),
  );
}
