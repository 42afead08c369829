/** Owns which programs Sluice needs, which distribution packages bring them, and which are missing here. */
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';

/** Where programs of administrators are, though not in everybody's PATH. */
export const ADMIN_PATH = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/**
 * @typedef {'apt' | 'dnf' | 'pacman' | 'apk'} PackageManager
 * @typedef {{ programs: readonly string[], packages: Readonly<Record<PackageManager, string>> }} Requirement packages may be several, with
 *   blanks between them
 */

/** @type {readonly Requirement[]} */
export const REQUIREMENTS = [
  { programs: ['etcd'], packages: { apt: 'etcd-server', dnf: 'etcd', pacman: 'etcd', apk: 'etcd' } },
  {
    programs: [
      'iptables',
      'iptables-save',
      'iptables-restore',
      'ip6tables',
      'ip6tables-save',
      'ip6tables-restore',
    ],
    packages: { apt: 'iptables', dnf: 'iptables-nft', pacman: 'iptables-nft', apk: 'iptables' },
  },
  { programs: ['nft'], packages: { apt: 'nftables', dnf: 'nftables', pacman: 'nftables', apk: 'nftables' } },
  {
    programs: ['conntrack'],
    packages: { apt: 'conntrack', dnf: 'conntrack-tools', pacman: 'conntrack-tools', apk: 'conntrack-tools' },
  },
  {
    programs: ['ip', 'ss'],
    packages: { apt: 'iproute2', dnf: 'iproute', pacman: 'iproute2', apk: 'iproute2' },
  },
  {
    programs: ['perl'],
    packages: { apt: 'perl-base', dnf: 'perl-interpreter', pacman: 'perl', apk: 'perl' },
  },
  { programs: ['curl'], packages: { apt: 'curl', dnf: 'curl', pacman: 'curl', apk: 'curl' } },
  {
    programs: ['unshare', 'nsenter', 'setpriv', 'mount'],
    packages: { apt: 'util-linux', dnf: 'util-linux', pacman: 'util-linux', apk: 'util-linux' },
  },
];

/**
 * What the benchmark of data planes needs besides: whom it compares with, and what keeps its client on one core.
 * @type {readonly Requirement[]}
 */
export const BENCH_REQUIREMENTS = [
  {
    programs: ['haproxy'],
    packages: { apt: 'haproxy', dnf: 'haproxy', pacman: 'haproxy', apk: 'haproxy' },
  },
  {
    programs: ['nginx'],
    packages: {
      apt: 'nginx libnginx-mod-stream',
      dnf: 'nginx nginx-mod-stream',
      pacman: 'nginx nginx-mod-stream',
      apk: 'nginx nginx-mod-stream',
    },
  },
  {
    programs: ['taskset'],
    packages: { apt: 'util-linux', dnf: 'util-linux', pacman: 'util-linux', apk: 'util-linux-misc' },
  },
];

/**
 * What the test of the dashboard needs besides.
 * @type {readonly Requirement[]}
 */
export const DASHBOARD_REQUIREMENTS = [
  {
    programs: ['chromium'],
    packages: { apt: 'chromium', dnf: 'chromium', pacman: 'chromium', apk: 'chromium' },
  },
];

/**
 * Folders to look for programs in: those of PATH, then those of administrators.
 * @param {string} pathVariable as in the environment
 * @param {string} [except] a folder to leave out, with all below it: our own cache
 * @returns {readonly string[]}
 */
export function searchPath(pathVariable, except) {
  const folders = [...pathVariable.split(':').filter((folder) => folder !== ''), ...ADMIN_PATH];
  const kept = folders.filter((folder) => except === undefined || !`${folder}/`.startsWith(`${except}/`));
  return [...new Set(kept)];
}

/**
 * @param {string} program name
 * @param {readonly string[]} folders to look in
 * @returns {boolean}
 */
export function isThere(program, folders) {
  return folders.some((folder) => {
    const file = path.join(folder, program);
    try {
      accessSync(file, constants.X_OK);
      return statSync(file).isFile();
    } catch {
      return false;
    }
  });
}

/**
 * What is missing here.
 * @param {readonly string[]} folders to look in
 * @param {readonly Requirement[]} [wanted]
 * @returns {{ programs: readonly string[], requirements: readonly Requirement[] }}
 */
export function missingRequirements(folders, wanted = REQUIREMENTS) {
  const requirements = wanted.filter(({ programs }) => programs.some((name) => !isThere(name, folders)));
  const programs = requirements.flatMap((one) => one.programs.filter((name) => !isThere(name, folders)));
  return { programs, requirements };
}

/**
 * The command that installs packages on this machine, for a person to run.
 * @param {readonly Requirement[]} requirements what is missing
 * @param {readonly string[]} folders to look for package managers in
 * @returns {string}
 */
export function installAdvice(requirements, folders) {
  const names = (/** @type {PackageManager} */ manager) =>
    requirements.map(({ packages }) => packages[manager]).join(' ');
  if (isThere('apt-get', folders)) return `sudo apt-get install ${names('apt')}`;
  if (isThere('dnf', folders)) return `sudo dnf install ${names('dnf')}`;
  if (isThere('pacman', folders)) return `sudo pacman -S ${names('pacman')}`;
  if (isThere('apk', folders)) return `sudo apk add ${names('apk')}`;
  return `install the packages that Debian calls: ${names('apt')}`;
}
