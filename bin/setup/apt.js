/**
 * Owns apt with private folders: fetches packages and what they need beyond what this system has, checked by apt
 * against the distribution's keys, without root and without installing or changing anything of the system.
 */
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { codenames, officialLines, officialStanzas } from './apt-sources.js';
import { SetupFailure } from './failure.js';
import { run } from './run.js';

/** Hooks of the system that would run programs or empty its cache, and indexes that nobody here reads. */
const CLEARED = [
  'APT::Update::Pre-Invoke',
  'APT::Update::Post-Invoke',
  'APT::Update::Post-Invoke-Success',
  'DPkg::Pre-Invoke',
  'DPkg::Pre-Install-Pkgs',
  'DPkg::Post-Invoke',
  'Acquire::IndexTargets::deb::CNF',
  'Acquire::IndexTargets::deb::Contents-deb',
  ...['', '-icons', '-icons-small', '-icons-hidpi', '-icons-large', '-icons-large-hidpi'].map(
    (kind) => `Acquire::IndexTargets::deb::DEP-11${kind}`,
  ),
];

/**
 * Text of an apt.conf for private folders; read after the system's, so that proxies and mirrors stay.
 * @param {string} folder absolute path
 * @param {boolean} ownSources whether folder/sources holds the lists; else the system's are used
 * @returns {string}
 */
export function aptConf(folder, ownSources) {
  /** @type {Record<string, string>} */
  const settings = {
    'Dir::State::lists': `${folder}/lists`,
    'Dir::Cache': `${folder}/cache`,
    'Dir::Cache::archives': `${folder}/archives`,
    'Dir::Cache::pkgcache': '',
    'Dir::Cache::srcpkgcache': '',
    'Dir::Log': `${folder}/log`,
    'Debug::NoLocking': '1',
    'APT::Sandbox::User': 'root',
    'APT::Install-Recommends': '0',
    'APT::Install-Suggests': '0',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
    'Acquire::http::Timeout': '20',
    ...(ownSources
      ? { 'Dir::Etc::sourcelist': '/dev/null', 'Dir::Etc::sourceparts': `${folder}/sources` }
      : {}),
  };
  return [
    ...CLEARED.map((name) => `#clear ${name};`),
    ...Object.entries(settings).map(([name, value]) => `${name} "${value}";`),
    '',
  ].join('\n');
}

/**
 * Copies the distribution's own entries of the system's source lists.
 * @param {string} folder to write into
 * @returns {Promise<boolean>} whether there is one
 */
async function copySources(folder) {
  const names = codenames(await readText('/etc/os-release'));
  const found = await readdir('/etc/apt/sources.list.d').catch(() => []);
  const parts = found.toSorted((a, b) => (a < b ? -1 : 1));
  const files = ['/etc/apt/sources.list', ...parts.map((name) => `/etc/apt/sources.list.d/${name}`)];
  let lines = '';
  let stanzas = '';
  for (const file of files) {
    if (file.endsWith('.list')) lines += officialLines(await readText(file), names);
    if (file.endsWith('.sources')) stanzas += officialStanzas(await readText(file), names);
  }
  await writeFile(path.join(folder, 'official.list'), lines);
  await writeFile(path.join(folder, 'official.sources'), stanzas);
  return lines !== '' || stanzas !== '';
}

/**
 * @param {string} file path
 * @returns {Promise<string>} '' if it cannot be read
 */
async function readText(file) {
  return await readFile(file, 'utf8').catch(() => '');
}

/**
 * Fetches packages and whatever they need that this system has not.
 * @param {readonly string[]} packages names
 * @param {string} folder existing private folder, absolute path without blanks or quotes needing escape
 * @returns {Promise<readonly string[]>} paths of the .deb files
 * @throws {SetupFailure} 69 with apt's own words
 */
export async function fetchPackages(packages, folder) {
  const folders = ['lists/partial', 'archives/partial', 'cache', 'sources', 'log'];
  await Promise.all(folders.map(async (name) => await mkdir(path.join(folder, name), { recursive: true })));
  const conf = path.join(folder, 'apt.conf');
  await writeFile(conf, aptConf(folder, await copySources(path.join(folder, 'sources'))));
  const apt = async (/** @type {readonly string[]} */ args) =>
    await run(['apt-get', '-c', conf, '-q', '-y', ...args], {
      env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
    });
  const update = await apt(['update']);
  const fetched = await apt(['install', '--reinstall', '--download-only', ...packages]);
  const files = (await readdir(path.join(folder, 'archives'))).filter((name) => name.endsWith('.deb'));
  if (fetched.exitCode === 0 && files.length > 0)
    return files.map((name) => path.join(folder, 'archives', name));
  const words = [...update.stderr.split('\n'), ...fetched.stderr.split('\n')].filter((line) =>
    /^(E|Err|W):/.test(line),
  );
  throw new SetupFailure(69, `apt could not fetch ${packages.join(' ')}`, {
    why: words.slice(0, 4).join('; ') || `apt-get ended with exit code ${fetched.exitCode}`,
  });
}
