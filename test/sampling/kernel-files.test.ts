import { readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKernelFiles } from '../../src/sampling/kernel-files.ts';

describe('files that are read again and again', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-files-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });
  /** Descriptors of this process that lead into the folder. */
  const openHere = (): number =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder);
      } catch {
        return false;
      }
    }).length;

  it('are opened once, and show what is in them now', async () => {
    const files = createKernelFiles();
    const file = path.join(folder, 'a');
    await writeFile(file, '1');
    expect(files.read(file)).toBe('1');
    await writeFile(file, '22');
    expect([files.read(file), openHere()]).toEqual(['22', 1]);
    expect([files.readOnce(file), openHere()]).toEqual(['22', 1]);
    files.close();
    expect(openHere()).toBe(0);
  });

  it('are closed when they were not read between two sweeps', async () => {
    const files = createKernelFiles();
    const file = path.join(folder, 'b');
    await writeFile(file, '1');
    files.read(file);
    files.sweep();
    expect(openHere()).toBe(1);
    files.sweep();
    expect(openHere()).toBe(0);
    expect(files.read(file)).toBe('1');
    files.close();
  });

  it('that cannot be read are undefined, and are read when they are there again', async () => {
    const files = createKernelFiles();
    const file = path.join(folder, 'c');
    expect(files.read(file)).toBeUndefined();
    expect(files.list(file)).toEqual([]);
    await writeFile(path.join(folder, 'new'), 'x');
    await rename(path.join(folder, 'new'), file);
    expect(files.read(file)).toBe('x');
    // A folder can be opened and not read.
    expect([files.read(folder), files.read(folder)]).toEqual([undefined, undefined]);
    files.close();
    expect(openHere()).toBe(0);
  });

  it('of an ended process are undefined, not those of another one', async () => {
    const files = createKernelFiles();
    expect(files.read('/proc/self/stat')).toContain(`${process.pid} (`);
    expect(files.read(`/proc/${2 ** 22 + 1}/stat`)).toBeUndefined();
    files.close();
  });
});
