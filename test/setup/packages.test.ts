import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  BENCH_REQUIREMENTS,
  REQUIREMENTS,
  installAdvice,
  isThere,
  missingRequirements,
  searchPath,
} from '../../bin/setup/packages.js';

describe('the programs that Sluice needs', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-packages-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });
  const put = async (name: string, mode = 0o755): Promise<void> => {
    await writeFile(path.join(folder, name), '');
    await chmod(path.join(folder, name), mode);
  };
  const all = REQUIREMENTS.flatMap(({ programs }) => programs);

  it('are all missing in an empty folder, and none where all are', async () => {
    expect(missingRequirements([folder])).toEqual({ programs: all, requirements: REQUIREMENTS });
    await Promise.all(all.map(async (name) => await put(name)));
    expect(missingRequirements(['/nowhere', folder])).toEqual({ programs: [], requirements: [] });
  });

  it('are others for the benchmark of data planes', () => {
    const { requirements } = missingRequirements([folder], BENCH_REQUIREMENTS);
    expect(requirements).toEqual(BENCH_REQUIREMENTS);
    expect(installAdvice(requirements, [folder])).toContain('haproxy nginx libnginx-mod-stream');
  });

  it('lack a whole package when one of its programs is missing', async () => {
    await Promise.all(all.filter((name) => name !== 'ip6tables-save').map(async (name) => await put(name)));
    const { programs, requirements } = missingRequirements([folder]);
    expect(programs).toEqual(['ip6tables-save']);
    expect(requirements.map(({ packages }) => packages.apt)).toEqual(['iptables']);
  });

  it('are not there as folders or as files that cannot be run', async () => {
    await mkdir(path.join(folder, 'nft'));
    await put('etcd', 0o644);
    expect([isThere('nft', [folder]), isThere('etcd', [folder])]).toEqual([false, false]);
  });

  it('are looked for in PATH, then where administrators have them, but not in our own cache', () => {
    const folders = searchPath('/a:/cache/x/bin::/sbin:/a', '/cache');
    expect(folders).toEqual(['/a', '/sbin', '/usr/local/sbin', '/usr/sbin']);
  });

  it.each([
    ['apt-get', 'sudo apt-get install etcd-server iptables'],
    ['dnf', 'sudo dnf install etcd iptables-nft'],
    ['pacman', 'sudo pacman -S etcd iptables-nft'],
    ['apk', 'sudo apk add etcd iptables'],
    ['other', 'install the packages that Debian calls: etcd-server iptables'],
  ])('are asked for in the words of %s', async (manager, advice) => {
    await put(manager);
    expect(installAdvice(REQUIREMENTS.slice(0, 2), [folder])).toBe(advice);
  });
});
