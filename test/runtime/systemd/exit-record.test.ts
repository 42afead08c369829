/** Tests how ends under systemd are written down, with the real script, and read. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  allocateExit,
  EXIT_SCRIPT,
  exitCommand,
  parseExit,
  readExit,
} from '../../../src/runtime/systemd/exit-record.ts';

describe('an exit record', () => {
  let folder: string;
  let file: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'sluice-exit-'));
    file = path.join(folder, 'exits of "a"');
    writeFileSync(path.join(folder, 'exited.sh'), EXIT_SCRIPT);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const tell = (env: Readonly<Record<string, string>>): void => {
    const [program = '', ...args] = exitCommand(
      path.join(folder, 'exited.sh'),
      { file, run: 'run1' },
      { v1: new Map(), v2: undefined },
    );
    expect(spawnSync(program, args, { env }).stderr.toString()).toBe('');
  };

  it('tells nothing before the end, and then of that start only', async () => {
    await allocateExit(file);
    const { size } = statSync(file);
    expect(readExit(file, 'run1')).toBeUndefined();
    tell({ EXIT_CODE: 'exited', EXIT_STATUS: '7' });
    expect(readExit(file, 'run1')).toMatchObject({ code: 7, signal: undefined, lost: false });
    expect(readExit(file, 'run2')).toBeUndefined();
    expect(statSync(file).size).toBe(size);
    await allocateExit(file);
    expect(readExit(file, 'run1')).toBeUndefined();
  });

  it('tells signals, and that nothing is known', async () => {
    await allocateExit(file);
    tell({ EXIT_CODE: 'killed', EXIT_STATUS: 'TERM' });
    expect(readExit(file, 'run1')).toMatchObject({ code: undefined, signal: 'SIGTERM', lost: false });
    tell({});
    expect(readExit(file, 'run1')).toMatchObject({ code: undefined, signal: undefined, lost: true });
  });

  it('counts only when it is whole', () => {
    tell({ EXIT_CODE: 'exited', EXIT_STATUS: '0' });
    writeFileSync(file, readFileSync(file, 'latin1').slice(0, 40));
    expect(readExit(file, 'run1')).toBeUndefined();
    expect(readExit(path.join(folder, 'nothing'), 'run1')).toBeUndefined();
  });

  it.each([
    ['r exited 0 0 end', { code: 0, signal: undefined, outOfMemory: false, lost: false }],
    ['r dumped SEGV 0 end', { code: undefined, signal: 'SIGSEGV', outOfMemory: false, lost: false }],
    ['r killed KILL 2 end', { code: undefined, signal: 'SIGKILL', outOfMemory: true, lost: false }],
    ['r killed NOSUCH 0 end', { code: undefined, signal: undefined, outOfMemory: false, lost: true }],
    ['r killed toString 0 end', { code: undefined, signal: undefined, outOfMemory: false, lost: true }],
  ])('reads %j', (text, exit) => {
    expect(parseExit(text, 'r')).toEqual(exit);
  });
});
