import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { weighParent } from '../../src/runtime/cgroup/weight.ts';

describe('the weight of all instances of a node together', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'sluice-weight-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is what its processors are worth, and never more than there can be', () => {
    const cases = [
      [1, 'cpu.shares', 1_024, 8, '8192'],
      [1, 'cpu.shares', 1_024, 512, '262144'],
      [2, 'cpu.weight', 100, 8, '800'],
      [2, 'cpu.weight', 100, 256, '10000'],
    ] as const;
    for (const [version, file, usual, processors, expected] of cases) {
      writeFileSync(path.join(folder, file), `${usual}\n`);
      weighParent(folder, version, processors);
      expect([file, processors, readFileSync(path.join(folder, file), 'utf8').trim()]).toEqual([
        file,
        processors,
        expected,
      ]);
    }
  });

  it('stays as people have set it', () => {
    const file = path.join(folder, 'cpu.weight');
    writeFileSync(file, '50\n');
    weighParent(folder, 2, 8);
    expect(readFileSync(file, 'utf8')).toBe('50\n');
  });

  it('is left alone where the node has no such controller, without making files', () => {
    weighParent(folder, 1, 8);
    expect(readdirSync(folder)).toEqual([]);
  });
});
