import { describe, expect, it } from 'vitest';
import { sandboxArgv as setupSandboxArgv } from '../../bin/setup/sandbox.js';
import { checkSandbox, sandboxArgv } from '../../src/dev/sandbox.ts';
import type { Exec } from '../../src/host/exec.ts';

const refuse: Exec = async () =>
  await Promise.resolve({ exitCode: 1, stdout: '', stderr: 'unshare: Operation not permitted\n' });

describe('the sandbox', () => {
  it.each([true, false])('is the same for sluice dev and for tests (root: %s)', (isRoot) => {
    expect(sandboxArgv(['a', 'b'], isRoot)).toEqual(setupSandboxArgv(['a', 'b'], isRoot));
  });

  it('makes an ordinary user root of a user namespace, and root no more than it is', () => {
    expect(sandboxArgv(['a'], false)).toContain('--map-root-user');
    expect(sandboxArgv(['a'], true)).not.toContain('--user');
  });

  it('says how to allow it where it is forbidden', async () => {
    await expect(checkSandbox(refuse, false)).rejects.toMatchObject({
      code: 'config',
      why: 'unshare: Operation not permitted',
    });
    await expect(checkSandbox(refuse, false)).rejects.toHaveProperty(
      'fix',
      expect.stringContaining('apparmor_restrict_unprivileged_userns=0'),
    );
    await expect(checkSandbox(refuse, true)).rejects.toHaveProperty(
      'fix',
      expect.stringContaining('CAP_SYS_ADMIN'),
    );
  });
});
