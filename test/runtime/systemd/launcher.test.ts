/** Tests the launcher, with a real perl: what it is told on its stdin becomes a program, exactly. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isLauncher, launcherCommand, launcherInput } from '../../../src/runtime/systemd/launcher.ts';

const [perl = '', ...words] = launcherCommand('/usr/bin/perl');
const launch = (input: string): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(perl, words, { input, encoding: 'utf8', env: { LEAK: '1', LC_ALL: 'C' } });

describe('the launcher', () => {
  let folder: string;
  beforeAll(() => {
    folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'sluice-launcher-')));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('becomes the program, with its folder, words and environment as they are and nothing on its stdin', () => {
    const env = { ODD: 'a\nb=c $HOME %h "', EMPTY: '' };
    const script = 'pwd; cat; printf "%s|" "$@"; tr "\\0" "|" </proc/self/environ';
    const command = ['/bin/sh', '-c', script, 'x', '', '$1', 'two words\n'];
    const { status, stdout } = launch(launcherInput({ workingDirectory: folder, command, env }));
    expect(status).toBe(0);
    expect(stdout).toMatch(new RegExp(`^${folder}\n\\|\\$1\\|two words\n\\|`));
    expect(stdout).toContain('ODD=a\nb=c $HOME %h "|');
    expect(stdout).toContain('EMPTY=|');
    expect(stdout).not.toContain('LEAK');
  });

  it('says why it could not', () => {
    const input = (change: object): string =>
      launcherInput({ workingDirectory: folder, command: ['/bin/true'], env: {}, ...change });
    symlinkSync('/usr', path.join(folder, 'link'));
    const cases = [
      ['', /^sluice: the order of this start is gone$/m],
      [input({ command: ['/no/such'] }), /^sluice: cannot execute \/no\/such: No such file/m],
      [input({ workingDirectory: '/no/such' }), /^sluice: cannot enter \/no\/such/m],
      [input({ workingDirectory: path.join(folder, 'link') }), /^sluice: working directory .* is not what/m],
    ] as const;
    for (const [text, said] of cases) {
      const { status, stderr } = launch(text);
      expect([text, status]).toEqual([text, 125]);
      expect(stderr).toMatch(said);
    }
  });

  it('is told from the program that it becomes', () => {
    expect(isLauncher(`${[perl, ...words].join('\0')}\0`)).toBe(true);
    expect(isLauncher('/usr/bin/perl\0-e\0sleep 1\0')).toBe(false);
  });
});
