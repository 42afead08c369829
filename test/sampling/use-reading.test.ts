import { describe, expect, it } from 'vitest';
import type { LocalInstance, Running } from '../../src/sampling/local-instance.ts';
import type { ProcessTimes } from '../../src/sampling/parse/process.ts';
import { PAGE_BYTES } from '../../src/sampling/parse/process.ts';
import { readInstanceUse, readNodeUse, type UseReaders } from '../../src/sampling/use-reading.ts';
import { statText } from './world.ts';

const instance = (name: string, running?: Running): LocalInstance => ({
  name,
  ip: '10.0.0.1',
  port: 80,
  running,
});
const leader = { pid: 10, startTicks: 100 };
const process: ProcessTimes = {
  pid: 10,
  parentPid: 1,
  session: 10,
  startTicks: 100,
  ownTicks: 7,
  waitedTicks: 0,
  residentPages: 3,
};

/** Files and processes of a machine, and how often processes were looked for. */
function readersOf(texts: Readonly<Record<string, string>>) {
  const looked: number[][] = [];
  const readers: UseReaders = {
    files: { read: (path) => texts[path] },
    processes: {
      sessions: (leaders) => {
        looked.push([...leaders.keys()]);
        return new Map([[10, new Map([[10, process]])]]);
      },
    },
  };
  return { readers, looked };
}

const V1 = {
  '/cpuacct/a/cpuacct.usage': '1500000000\n',
  '/memory/a/memory.stat': 'total_cache 10\ntotal_rss 100\ntotal_inactive_file 4\n',
};
const V2 = {
  '/cg/a/cpu.stat': 'usage_usec 2500000\n',
  '/cg/a/memory.stat': 'inactive_file 50\n',
  '/cg/a/memory.current': '150\n',
};
const GROUPS_V1 = { version: 1, cpuFolder: '/cpuacct/a', memoryFolder: '/memory/a' } as const;
const GROUPS_V2 = { version: 2, cpuFolder: '/cg/a', memoryFolder: '/cg/a' } as const;

describe('use of instances', () => {
  it('is read from control groups of either version, and processes are then not looked for', () => {
    const { readers, looked } = readersOf({ ...V1, ...V2 });
    const found = readInstanceUse(readers, [
      instance('web/a', { run: '1', groups: GROUPS_V1, leader }),
      instance('web/b', { run: '2', groups: GROUPS_V2, leader }),
    ]);
    expect(found.get('web/a')).toEqual({ run: '1', cpuSeconds: 1.5, processes: undefined, memoryBytes: 106 });
    expect(found.get('web/b')).toEqual({ run: '2', cpuSeconds: 2.5, processes: undefined, memoryBytes: 100 });
    expect(looked).toEqual([]);
  });

  it('is that of processes for what no group counts, missing files and controllers', () => {
    const { readers, looked } = readersOf({ '/memory/a/memory.stat': V1['/memory/a/memory.stat'] });
    const found = readInstanceUse(readers, [
      instance('web/a', { run: '1', groups: GROUPS_V1, leader }),
      instance('web/b', { run: '1', groups: { version: 2 }, leader }),
    ]);
    expect(found.get('web/a')).toMatchObject({ cpuSeconds: undefined, memoryBytes: 106 });
    expect(found.get('web/a')?.processes?.size).toBe(1);
    expect(found.get('web/b')).toMatchObject({ cpuSeconds: undefined, memoryBytes: 3 * PAGE_BYTES });
    expect(looked).toEqual([[10]]);
  });

  it('is not known of what nobody here runs, nor without groups and leader', () => {
    const { readers, looked } = readersOf({});
    const found = readInstanceUse(readers, [instance('web/a'), instance('web/b', { run: '1' })]);
    expect(found.has('web/a')).toBe(false);
    expect(found.get('web/b')).toEqual({
      run: '1',
      cpuSeconds: undefined,
      processes: undefined,
      memoryBytes: undefined,
    });
    expect(looked).toEqual([]);
  });
});

describe('use of a node', () => {
  it('leaves out what the kernel does not tell', () => {
    const { readers } = readersOf({ '/proc/stat': statText(5, 6) });
    expect(readNodeUse(readers.files)).toEqual({
      processors: { busyTicks: 5, idleTicks: 6, cores: 2 },
      pressure: undefined,
      memory: undefined,
      load1: undefined,
    });
  });
});
