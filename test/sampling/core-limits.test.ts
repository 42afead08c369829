/** Tests what limit of processors the kernel is taken to give an instance, in folders like those of control groups. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cgroups } from '../../src/runtime/cgroup/cgroup.ts';
import { createCoreLimits, groupCores } from '../../src/sampling/core-limits.ts';

describe('limits of processors', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'core-limits-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const write = (name: string, text: string): void => writeFileSync(path.join(folder, name), `${text}\n`);
  const groups = (version: 1 | 2): Cgroups => ({ version, folders: [folder], folderOf: { cpu: folder } });

  it('are read from control groups of version 1, where -1 is none', () => {
    write('cpu.cfs_period_us', '100000');
    write('cpu.cfs_quota_us', '-1');
    expect(groupCores(groups(1))).toBeUndefined();
    write('cpu.cfs_quota_us', '15000');
    expect(groupCores(groups(1))).toBe(0.15);
  });

  it('are read from control groups of version 2, where max is none', () => {
    write('cpu.max', 'max 100000');
    expect(groupCores(groups(2))).toBeUndefined();
    write('cpu.max', '250000 100000');
    expect(groupCores(groups(2))).toBe(2.5);
  });

  it('are not known without control groups, or where those have no such files', () => {
    expect(groupCores({ version: 2, folders: [], folderOf: {} })).toBeUndefined();
    expect(groupCores({ version: 1, folders: [], folderOf: { cpu: '/nowhere' } })).toBeUndefined();
  });

  it('are read again after half a minute, and at once of another run', () => {
    let nowMs = 0;
    const read = createCoreLimits({ monotonicMs: () => nowMs });
    const one = { service: 'web', id: 'a', main: undefined, cgroups: groups(2) };
    const looked = (run: string): readonly (readonly [string, number])[] => [...read([{ ...one, run }])];
    write('cpu.max', '20000 100000');
    expect(looked('first')).toEqual([['first', 0.2]]);
    write('cpu.max', '10000 100000');
    nowMs = 29_000;
    expect(looked('first')).toEqual([['first', 0.2]]);
    expect(looked('second')).toEqual([['second', 0.1]]);
    expect(read([])).toEqual(new Map());
    expect(looked('first')).toEqual([['first', 0.1]]);
    nowMs = 60_000;
    write('cpu.max', 'max 100000');
    expect(looked('first')).toEqual([]);
    expect(read([{ ...one, run: 'bare', cgroups: undefined }])).toEqual(new Map());
  });
});
