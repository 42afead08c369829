/** Owns the little scripts that run unpacked programs with their unpacked libraries. They find their files by their own path, so the tree may move. */
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

const PROGRAM_FOLDERS = ['usr/bin', 'usr/sbin', 'bin', 'sbin'];

/** The packages leave these names to the system's alternatives; iptables over nf_tables is every distribution's default. */
const ALIASES = ['', '-save', '-restore'].flatMap((suffix) => [
  { name: `iptables${suffix}`, program: `iptables-nft${suffix}` },
  { name: `ip6tables${suffix}`, program: `ip6tables-nft${suffix}` },
]);

/** What packages start by a script that expects to be installed: Debian's chromium reads /etc/chromium.d. */
const DIRECT = [{ name: 'chromium', program: 'usr/lib/chromium/chromium' }];

/** Folders of libraries that others find by a path which was built into them, and which is not there: Chromium's libpulse. */
const PRIVATE = ['pulseaudio'];

/**
 * A wrapper script. `$0` is its path, as the kernel hands it over; no process is forked, since iptables runs often.
 * @param {string} program below root/, e.g. usr/sbin/nft
 * @param {readonly string[]} libraries folders below root/
 * @returns {string}
 */
export function wrapperScript(program, libraries) {
  const base = '${0%/*}/../root';
  const xtables = libraries.map((folder) => `${base}/${folder}/xtables`);
  const libraryPath = libraries.map((folder) => `${base}/${folder}`).join(':');
  return [
    '#!/bin/sh',
    `LD_LIBRARY_PATH="${libraryPath}\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"`,
    ...xtables.map((folder) => `[ -d "${folder}" ] && export XTABLES_LIBDIR="${folder}"`),
    'export LD_LIBRARY_PATH',
    `exec "${base}/${program}" "$@"`,
    '',
  ].join('\n');
}

/**
 * Folders with shared libraries below a root: usr/lib, lib and their multiarch folders.
 * @param {string} root folder of unpacked packages
 * @returns {Promise<readonly string[]>} relative to root
 */
async function libraryFolders(root) {
  const found = [];
  for (const base of ['usr/lib', 'lib']) {
    const names = await readdir(path.join(root, base)).catch(() => []);
    const multiarch = names.filter((name) => /-linux-/.test(name)).toSorted((a, b) => (a < b ? -1 : 1));
    const folders = multiarch.map((name) => `${base}/${name}`);
    const inner = folders.flatMap((folder) => PRIVATE.map((name) => `${folder}/${name}`));
    found.push(...folders, ...inner.filter((folder) => existsSync(path.join(root, folder))));
    if (names.some((name) => name.includes('.so'))) found.push(base);
  }
  return found;
}

/**
 * Writes folder/bin with a wrapper for each program in folder/root.
 * @param {string} folder that holds root/
 */
export async function writeWrappers(folder) {
  const root = path.join(folder, 'root');
  const bin = path.join(folder, 'bin');
  await mkdir(bin, { recursive: true });
  const libraries = await libraryFolders(root);
  const write = async (/** @type {string} */ name, /** @type {string} */ program) => {
    const file = path.join(bin, name);
    if (existsSync(file)) return;
    await writeFile(file, wrapperScript(program, libraries));
    await chmod(file, 0o755);
  };
  for (const { name, program } of DIRECT)
    if (existsSync(path.join(root, program))) await write(name, program);
  for (const base of PROGRAM_FOLDERS) {
    for (const name of await readdir(path.join(root, base)).catch(() => []))
      await write(name, `${base}/${name}`);
  }
  for (const { name, program } of ALIASES) {
    const base = PROGRAM_FOLDERS.find(
      (one) => existsSync(path.join(bin, program)) && existsSync(path.join(root, one, program)),
    );
    if (base !== undefined) await write(name, `${base}/${program}`);
  }
}
