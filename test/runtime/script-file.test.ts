import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openScriptFile } from '../../src/runtime/script-file.ts';

describe('the file of a script', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'sluice-script-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('is whole for every one of many starts at the same time, and written once', async () => {
    let replaced = 0;
    const script = openScriptFile(path.join(root, 'a.sh'), 'exit 0\n', () => (replaced += 1));
    writeFileSync(script.file, '# of another version');
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        await script.ensure();
        expect(readFileSync(script.file, 'utf8')).toBe('exit 0\n');
      }),
    );
    expect(replaced).toBe(1);
    expect(readdirSync(root)).toEqual(['a.sh']);
  });
});
