/**
 * Owns the private programs: where etcd, iptables and the like are missing, fetches the distribution's packages into
 * .cache/tools and runs them from there. A finished cache is complete (it is renamed into place) and never rebuilt.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { fetchPackages } from './apt.js';
import { SetupFailure, say } from './failure.js';
import { installAdvice, isThere, missingRequirements, REQUIREMENTS, searchPath } from './packages.js';
import { run } from './run.js';
import { writeWrappers } from './wrappers.js';

/** Changes when the way the cache is made does. */
const RECIPE = 1;

/**
 * Makes sure that every program is there.
 * @param {string} root of the working tree
 * @param {{ requirements?: readonly import('./packages.js').Requirement[], link?: string }} [asked] default: what Sluice needs; and the name in
 *   .cache/tools that the programs are found under
 * @returns {Promise<string>} the PATH to run with
 * @throws {SetupFailure} 78 without apt, 69 if fetching fails; both say what to install
 */
export async function ensureTools(root, { requirements = REQUIREMENTS, link = 'bin' } = {}) {
  const cache = path.join(root, '.cache/tools');
  const folders = searchPath(process.env['PATH'] ?? '', cache);
  const missing = missingRequirements(folders, requirements);
  if (missing.requirements.length === 0) return folders.join(':');
  const advice = installAdvice(missing.requirements, folders);
  if (!isThere('apt-get', folders) || !isThere('dpkg-deb', folders)) {
    throw new SetupFailure(78, `missing: ${missing.programs.join(', ')}`, {
      why: 'they can be fetched by themselves only on Debian and Ubuntu',
      fix: advice,
    });
  }
  const packages = missing.requirements.flatMap((one) => one.packages.apt.split(' '));
  const made = path.join(cache, await cacheKey(packages));
  if (!existsSync(made)) {
    say(`fetching ${packages.join(', ')} into .cache/tools (nothing is installed)`);
    await makeCache(packages, made, advice);
  }
  await pointTo(made, path.join(cache, link));
  return [path.join(made, 'bin'), ...folders].join(':');
}

/**
 * @param {readonly string[]} packages names
 * @returns {Promise<string>} name of the folder that holds them, for this system
 */
async function cacheKey(packages) {
  const system = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const text = JSON.stringify([RECIPE, process.arch, system, packages]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/**
 * @param {readonly string[]} packages names
 * @param {string} made where the finished cache goes
 * @param {string} advice what a person can do instead
 */
async function makeCache(packages, made, advice) {
  const cache = path.dirname(made);
  await mkdir(cache, { recursive: true });
  await removeRemains(cache);
  const work = await mkdtemp(path.join(cache, 'work-'));
  try {
    const debs = await fetchPackages(packages, path.join(work, 'apt'));
    const fresh = path.join(work, 'fresh');
    await mkdir(path.join(fresh, 'root'), { recursive: true });
    for (const deb of debs) await unpack(deb, path.join(fresh, 'root'));
    await writeWrappers(fresh);
    await rename(fresh, made);
  } catch (error) {
    if (error instanceof SetupFailure) error.fix ??= `check the connection, or: ${advice}`;
    throw error;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * Removes what an interrupted set-up left; the set-up's lock is held.
 * @param {string} cache folder
 */
async function removeRemains(cache) {
  const remains = (await readdir(cache)).filter((name) => name.startsWith('work-'));
  await Promise.all(
    remains.map(async (name) => {
      await rm(path.join(cache, name), { recursive: true, force: true });
    }),
  );
}

/**
 * @param {string} deb file
 * @param {string} into folder
 */
async function unpack(deb, into) {
  const { exitCode, stderr } = await run(['dpkg-deb', '-x', deb, into]);
  if (exitCode !== 0)
    throw new SetupFailure(69, `cannot unpack ${path.basename(deb)}`, { why: stderr.trim() });
}

/**
 * A steady name for people and scripts.
 * @param {string} made folder
 * @param {string} link path
 */
async function pointTo(made, link) {
  const fresh = `${link}-${process.pid}`;
  await rm(fresh, { force: true });
  await symlink(path.join(path.basename(made), 'bin'), fresh);
  await rename(fresh, link);
}
