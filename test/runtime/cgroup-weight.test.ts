import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { weighInstance, weighParent } from '../../src/runtime/cgroup/weight.ts';

describe('weights of control groups', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'sluice-weight-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const groupWith = (file: string): { readonly group: string; readonly weight: () => string } => {
    const group = path.join(folder, file);
    mkdirSync(group);
    writeFileSync(path.join(group, file), '\n');
    return { group, weight: () => readFileSync(path.join(group, file), 'utf8').trim() };
  };

  it('are a quarter of the usual while an instance starts, and the usual afterwards', () => {
    const cases = [
      [1, 'cpu.shares', '256', '1024'],
      [2, 'cpu.weight', '25', '100'],
    ] as const;
    for (const [version, file, starting, serving] of cases) {
      const { group, weight } = groupWith(file);
      const groups = { version, folders: [group], folderOf: { cpu: group } };
      weighInstance(groups, 'starting');
      expect(weight().slice(0, starting.length)).toBe(starting);
      weighInstance(groups, 'serving');
      expect(weight().slice(0, serving.length)).toBe(serving);
    }
  });

  it('are above instances as much as all processors are worth, and never more than there can be', () => {
    const { group, weight } = groupWith('cpu.weight');
    weighParent(group, 2, 8);
    expect(weight()).toBe('800');
    weighParent(group, 2, 256);
    expect(weight()).toBe('10000');
  });

  it('are left out where the node has no such controller, without making files', () => {
    weighParent(folder, 1, 8);
    weighInstance({ version: 1, folders: [], folderOf: {} }, 'starting');
    expect(readdirSync(folder)).toEqual([]);
  });
});
