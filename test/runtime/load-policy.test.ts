import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPolicyFile } from '../../src/runtime/policy/load-policy.ts';

describe('the policy file of a node', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = path.join(mkdtempSync(path.join(tmpdir(), 'sluice-policy-')), 'etc');
    mkdirSync(folder, { mode: 0o755 });
    file = path.join(folder, 'policy.yaml');
    writeFileSync(file, 'users: [app]\n', { mode: 0o644 });
  });
  afterEach(() => rmSync(path.dirname(folder), { recursive: true }));

  it('is read if only its owner can write it', async () => {
    expect(await openPolicyFile(file)()).toMatchObject({ users: ['app'] });
  });

  it('is needed: without it nothing runs, and the refusal says so', async () => {
    rmSync(file);
    await expect(openPolicyFile(file)()).rejects.toMatchObject({
      code: 'permission',
      message: 'this node runs nothing: it has no policy',
      why: `there is no file ${file}`,
    });
  });

  it('does not count if others can write it or its folder', async () => {
    chmodSync(file, 0o664);
    await expect(openPolicyFile(file)()).rejects.toMatchObject({ code: 'config', fix: `chmod go-w ${file}` });
    chmodSync(file, 0o644);
    chmodSync(folder, 0o777);
    await expect(openPolicyFile(file)()).rejects.toMatchObject({
      code: 'config',
      fix: `chmod go-w ${folder}`,
    });
  });

  it('does not count as a folder, or when it is too long', async () => {
    await expect(openPolicyFile(folder)()).rejects.toMatchObject({ code: 'config' });
    writeFileSync(file, '#'.repeat(2 ** 20 + 1));
    await expect(openPolicyFile(file)()).rejects.toMatchObject({ code: 'config' });
  });
});
