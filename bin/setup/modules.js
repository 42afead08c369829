/** Owns the node modules: `npm ci` when what is installed is not what package-lock.json says. */
import { mkdir, readFile, access } from 'node:fs/promises';
import { constants } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SetupFailure, say } from './failure.js';
import { runInForeground } from './run.js';

/**
 * @typedef {{ version?: string, integrity?: string, optional?: boolean, link?: boolean }} LockedPackage
 * @typedef {{ packages?: Record<string, LockedPackage> }} Lockfile
 */

/**
 * Whether an installation is complete and is what the lockfile says. npm writes the hidden lockfile last, so an
 * interrupted installation has none. Optional packages may be missing: they are for other platforms.
 * @param {Lockfile} wanted package-lock.json
 * @param {Lockfile} installed node_modules/.package-lock.json
 * @returns {boolean}
 */
export function isInstalled(wanted, installed) {
  const have = installed.packages ?? {};
  const want = Object.entries(wanted.packages ?? {}).filter(([name]) => name !== '');
  const names = new Set(want.map(([name]) => name));
  const missing = want.some(([name, { version, integrity, optional }]) => {
    const found = have[name];
    if (found === undefined) return optional !== true;
    return found.version !== version || found.integrity !== integrity;
  });
  return !missing && Object.keys(have).every((name) => names.has(name));
}

/**
 * Installs the node modules if needed.
 * @param {string} root of the working tree
 * @throws {SetupFailure} 69 if npm cannot
 */
export async function ensureModules(root) {
  const wanted = await readLockfile(path.join(root, 'package-lock.json'));
  const installed = await readLockfile(path.join(root, 'node_modules/.package-lock.json'));
  if (wanted === undefined) throw new SetupFailure(78, 'package-lock.json is missing or not JSON');
  if (installed !== undefined && isInstalled(wanted, installed)) return;
  say('installing the node modules (npm ci)');
  const npm = process.env['npm_execpath'];
  const argv = npm?.endsWith('.js') === true ? [process.execPath, npm] : ['npm'];
  const env = { ...process.env, ...(await npmCache(root)) };
  const quiet = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const exitCode = await runInForeground([...argv, ...quiet], { cwd: root, env, stdout: 'stderr' });
  if (exitCode === 0) return;
  throw new SetupFailure(69, `npm ci failed with exit code ${exitCode}`, {
    why: exitCode === 127 ? 'npm is not in PATH' : 'see its own message above',
    fix: 'check the connection to the npm registry, then try again',
  });
}

/**
 * @param {string} file path
 * @returns {Promise<Lockfile | undefined>}
 */
async function readLockfile(file) {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return undefined; // missing or cut short: both mean "install"
  }
}

/**
 * A place for npm's cache where the home folder cannot have one.
 * @param {string} root of the working tree
 * @returns {Promise<Record<string, string>>}
 */
async function npmCache(root) {
  const home = os.homedir();
  const fits =
    path.isAbsolute(home) &&
    (await access(home, constants.W_OK).then(
      () => true,
      () => false,
    ));
  if (fits) return {};
  const cache = path.join(root, '.cache/npm');
  await mkdir(cache, { recursive: true });
  return { npm_config_cache: cache };
}
