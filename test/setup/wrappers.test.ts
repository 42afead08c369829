import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeWrappers } from '../../bin/setup/wrappers.js';

const PROGRAM = '#!/bin/sh\necho "${0##*/} $LD_LIBRARY_PATH $XTABLES_LIBDIR $*"\n';

describe('wrappers of unpacked programs', () => {
  let parent: string;
  beforeEach(async () => {
    parent = await mkdtemp(path.join(tmpdir(), 'sluice wrappers-'));
    const root = path.join(parent, 'made/root');
    await mkdir(path.join(root, 'usr/lib/x86_64-linux-gnu/xtables'), { recursive: true });
    await mkdir(path.join(root, 'usr/sbin'), { recursive: true });
    await writeFile(path.join(root, 'usr/sbin/xtables-nft-multi'), PROGRAM);
    await chmod(path.join(root, 'usr/sbin/xtables-nft-multi'), 0o755);
    await symlink('xtables-nft-multi', path.join(root, 'usr/sbin/iptables-nft'));
    await writeWrappers(path.join(parent, 'made'));
  });
  afterEach(async () => {
    await rm(parent, { recursive: true });
  });

  it('are there for every program, and iptables means iptables-nft', async () => {
    expect((await readdir(path.join(parent, 'made/bin'))).toSorted()).toEqual([
      'iptables',
      'iptables-nft',
      'xtables-nft-multi',
    ]);
  });

  it('run the program under its own name with its own libraries, also after the tree has moved', async () => {
    await rename(path.join(parent, 'made'), path.join(parent, 'moved'));
    const bin = path.join(parent, 'moved/bin');
    const env = { PATH: `${bin}:/usr/bin:/bin`, LD_LIBRARY_PATH: '/before' };
    const { stdout } = await promisify(execFile)('iptables', ['-S', 'a b'], { env });
    const lib = `${bin}/../root/usr/lib/x86_64-linux-gnu`;
    expect(stdout).toBe(`iptables-nft ${lib}:/before ${lib}/xtables -S a b\n`);
  });
});
