/**
 * Owns a podman of its own for tests: configuration and storage in a scratch folder, and an image of a few programs of this machine. Works below
 * control groups of version 1, too, and where nothing may raise a limit.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findProgram } from '../../src/runtime/launch/program.ts';
import { workingProgram } from '../cluster/harness/working-instance.ts';
import { TEST_IMAGE } from '../contract/driver-openers.ts';

const PROGRAMS = ['sh', 'sleep', 'setsid', 'tail', 'cat', 'touch', 'perl'];
/** The modules that every perl of Debian has. */
const PERL_MODULES = `dirname "$(perl -e 'use IO::Socket::INET; print $INC{"strict.pm"}')"`;

function run(file: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(file, args, { encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new Error(`${file} ${args.join(' ')}: ${error?.message ?? stderr}`);
}

/** The file system of the image: programs with the libraries that they are linked with. */
async function makeRoot(root: string): Promise<void> {
  for (const folder of ['bin', 'tmp', 'proc', 'dev', 'etc', 'sys'])
    mkdirSync(path.join(root, folder), { recursive: true });
  const copy = (from: string, to: string): void => cpSync(from, path.join(root, to), { dereference: true });
  for (const name of PROGRAMS) {
    const { real } = await findProgram(name);
    copy(real, `bin/${name}`);
    const libraries = run('ldd', real).matchAll(/(\/\S+) \(0x/g);
    for (const [, file = ''] of libraries) copy(file, file);
  }
  const modules = run('sh', '-c', PERL_MODULES).trim();
  cpSync(modules, path.join(root, modules), { recursive: true });
  await workingProgram(path.join(root, 'tmp'));
  mkdirSync(path.join(root, 'usr'), { recursive: true });
  symlinkSync('../bin', path.join(root, 'usr/bin'));
}

async function configure(folder: string): Promise<void> {
  const { path: conmon } = await findProgram('conmon', process.env['PATH']);
  const { path: runc } = await findProgram('runc', process.env['PATH']);
  const write = (name: string, text: string): string => {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  process.env['CONTAINERS_STORAGE_CONF'] = write(
    'storage.conf',
    `[storage]\ndriver = "vfs"\ngraphroot = "${folder}/graph"\nrunroot = "/run/sluice-podman"\n`,
  );
  process.env['CONTAINERS_CONF'] = write(
    'containers.conf',
    `[containers]
default_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
conmon_path = ["${conmon}"]
[engine.runtimes]
runc = ["${runc}"]
`,
  );
  write('home/.config/containers/policy.json', '{"default": [{"type": "insecureAcceptAnything"}]}');
  process.env['HOME'] = path.join(folder, 'home');
}

/** Makes it for this process. @returns takes it away, with containers that somebody killed in the middle of a removal has left (their shared memory is mounted) */
export async function openPodmanMachine(): Promise<() => void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-podman-'));
  await configure(folder);
  await makeRoot(path.join(folder, 'root'));
  run('tar', '-C', path.join(folder, 'root'), '-cf', path.join(folder, 'image.tar'), '.');
  run('podman', 'import', '--quiet', path.join(folder, 'image.tar'), TEST_IMAGE);
  return () => {
    run('podman', 'rm', '--all', '--force', '--time', '0');
    rmSync(folder, { recursive: true, force: true });
  };
}
