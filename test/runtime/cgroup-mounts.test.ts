import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { enforceable, makeCgroups } from '../../src/runtime/cgroup/cgroup.ts';
import { parseCgroupMounts } from '../../src/runtime/cgroup/mounts.ts';
import { cgroupUsage } from '../../src/runtime/cgroup/usage.ts';

const V1 = `30 25 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw`;
const V2 = '30 25 0:26 / /sys/fs/my\\040cgroup rw - cgroup2 cgroup2 rw';

describe('control groups of a node', () => {
  const folders: string[] = [];
  afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true })));
  const scratch = (): string => {
    const folder = mkdtempSync(path.join(tmpdir(), 'sluice-cgroup-'));
    folders.push(folder);
    return folder;
  };

  it('are found in version 1, also mounted together, beside an empty version 2', () => {
    const mounts = parseCgroupMounts(V1, () => []);
    expect([...mounts.v1]).toEqual([
      ['cpu', '/sys/fs/cgroup/cpu,cpuacct'],
      ['cpuacct', '/sys/fs/cgroup/cpu,cpuacct'],
      ['memory', '/sys/fs/cgroup/memory'],
    ]);
    expect(enforceable(mounts)).toEqual(['cpu', 'memoryBytes']);
  });

  it('are found in version 2', () => {
    const mounts = parseCgroupMounts(V2, () => ['cpu', 'memory', 'pids']);
    expect(mounts.v2).toEqual({ path: '/sys/fs/my cgroup', controllers: ['cpu', 'memory', 'pids'] });
    expect(enforceable(mounts)).toEqual(['cpu', 'memoryBytes', 'pids']);
    expect(enforceable(parseCgroupMounts('', () => []))).toEqual([]);
  });

  it('in version 2 hand their controllers down, and say which limits have no file', () => {
    const mount = scratch();
    const mounts = { v1: new Map(), v2: { path: mount, controllers: ['cpu'] } };
    const { groups, notes } = makeCgroups(mounts, ['sluice', 'x', 'a.1'], { cpu: 0.5, pids: 9 });
    expect(readFileSync(`${mount}/sluice/cgroup.subtree_control`, 'utf8')).toBe('+cpu');
    expect(groups?.folders).toEqual([`${mount}/sluice/x/a.1`]);
    expect(notes).toEqual([
      'cpu limit not enforced: no cgroup controller cpu on this node',
      'pids limit not enforced: no cgroup controller pids on this node',
    ]);
    expect(existsSync(`${mount}/sluice/x/a.1/pids.max`)).toBe(false);
    expect(groups === undefined ? undefined : cgroupUsage(groups)).toEqual({ outOfMemoryKills: 0 });
  });

  it('that cannot be made are no error but a note on every limit', () => {
    const mounts = { v1: new Map([['memory', '/proc/nosuch'] as const]), v2: undefined };
    const { groups, notes } = makeCgroups(mounts, ['a'], { memoryBytes: 1, cpu: 1 });
    expect(groups).toBeUndefined();
    expect(notes).toEqual([
      'cpu limit not enforced: control groups cannot be made here (ENOENT)',
      expect.stringMatching(/^memory limit not enforced: .*ENOENT.*address space/),
    ]);
  });
});
