import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SHIM_SCRIPT } from '../../../src/runtime/process/shim.ts';
import { openShimFile } from '../../../src/runtime/process/shim-file.ts';

describe('the file that shims are started from', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'sluice-shim-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('is whole for every one of many starts at the same time, and written once', async () => {
    const said: string[] = [];
    const shim = openShimFile(root, { info: (message) => void said.push(message) });
    writeFileSync(shim.file, '# of another version');
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        await shim.ensure();
        expect(readFileSync(shim.file, 'utf8')).toBe(SHIM_SCRIPT);
      }),
    );
    expect(said).toHaveLength(1);
    expect(readdirSync(root)).toEqual(['shim.sh']);
  });
});
