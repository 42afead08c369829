/** Tests reading which control groups a process is in. */
import { describe, expect, it } from 'vitest';
import { groupsOfProcess, parseProcessGroups, unenforced } from '../../src/runtime/cgroup/process-groups.ts';
import { pauseAfter } from '../../src/runtime/kept/watch.ts';

describe('control groups of a process', () => {
  it('are read by controller; paths may hold colons', () => {
    const text = '4:memory:/a/b:c\n3:cpu,cpuacct:/x\n1:name=systemd:/y\n0::/u\n';
    expect([...parseProcessGroups(text)]).toEqual([
      ['memory', '/a/b:c'],
      ['cpu', '/x'],
      ['cpuacct', '/x'],
      ['name=systemd', '/y'],
      ['', '/u'],
    ]);
  });

  it('that are not its own alone do not count', () => {
    const mounts = { v1: new Map([['memory', '/sys/fs/cgroup/memory'] as const]), v2: undefined };
    expect(groupsOfProcess(mounts, process.pid, 'no-such-unit.service')).toBeUndefined();
  });

  it('without which limits are not enforced', () => {
    expect(unenforced(undefined, { cpu: 1, files: 5 })).toEqual([
      expect.stringMatching(/^cpu limit not enforced: no cgroup controller cpu/),
    ]);
    expect(unenforced(undefined, {})).toEqual([]);
  });
});

describe('the watch of kept instances', () => {
  it('looks soon while there are few, and never takes more than 0.7 % of a core', () => {
    const LOOK_MS = 0.017;
    for (const count of [0, 1, 5, 20, 100, 320]) {
      const pause = pauseAfter(count);
      expect(pause).toBeLessThanOrEqual(800);
      expect((count * LOOK_MS) / pause).toBeLessThanOrEqual(0.007);
    }
    expect(pauseAfter(5)).toBeLessThanOrEqual(20);
  });
});
