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
      [1, 'cpu.shares', 8, '8192'],
      [1, 'cpu.shares', 512, '262144'],
      [2, 'cpu.weight', 8, '800'],
      [2, 'cpu.weight', 256, '10000'],
    ] as const;
    for (const [version, file, processors, expected] of cases) {
      writeFileSync(path.join(folder, file), '\n');
      weighParent(folder, version, processors);
      expect([file, processors, readFileSync(path.join(folder, file), 'utf8').trim()]).toEqual([
        file,
        processors,
        expected,
      ]);
    }
  });

  it('is left alone where the node has no such controller, without making files', () => {
    weighParent(folder, 1, 8);
    expect(readdirSync(folder)).toEqual([]);
  });
});
