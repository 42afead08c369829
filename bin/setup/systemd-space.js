/**
 * Owns a place where systemd is PID 1, for tests of drivers: private processes, mounts, network and /run, units of its own, control groups below
 * one of its own. Nothing of the machine's own systemd, if there is one, is touched. Root of the machine only.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SetupFailure } from './failure.js';
import { run } from './run.js';

const PROGRAMS = ['/usr/lib/systemd/systemd', '/lib/systemd/systemd'];
const SPACES = [
  '--pid',
  '--fork',
  '--mount',
  '--mount-proc',
  '--uts',
  '--ipc',
  '--net',
  '--kill-child=SIGKILL',
];
const CGROUPS = '/sys/fs/cgroup';
/** Where a podman that looks after groups itself puts its containers; it stays after the last one. */
const PODMAN_GROUP = 'libpod_parent';
const UP_MS = 60_000;
const PAUSE_MS = 100;
const GONE_MS = 2_000;

/** What transient services ask for, empty; the machine's own units would set up the machine. */
const TARGETS = ['default', 'basic', 'sysinit', 'shutdown', 'sockets', 'timers', 'paths', 'slices'];

/** Parameters: NAME UNITS SYSTEMD. Joins its own control groups, then becomes systemd. */
const BOOT = `
for d in ${CGROUPS}/*/ ${CGROUPS}/; do
  [ -e "$d/cgroup.procs" ] || continue
  mkdir "$d/$1" || exit 71
  for f in cpuset.cpus cpuset.mems; do [ ! -e "$d/$1/$f" ] || cat "$d/$f" >"$d/$1/$f"; done
  echo 0 >"$d/$1/cgroup.procs" || exit 71
done 2>/dev/null
mount -t tmpfs tmpfs /run && ip link set lo up || exit 71
export SYSTEMD_UNIT_PATH="/run/systemd/transient:$2" container=sluice
exec "$3" --system --log-target=console --log-level=warning --show-status=no`;

/**
 * @param {string} folder for its unit files
 * @returns {Promise<{ argv: (words: readonly string[]) => readonly string[], close: () => Promise<void> }>} command lines that run inside; and its end
 * @throws {SetupFailure} 78 without systemd, 69 if it does not come up
 */
export async function openSystemdSpace(folder) {
  const program = PROGRAMS.find((file) => existsSync(file));
  if (program === undefined) {
    throw new SetupFailure(78, 'systemd is not installed on this machine', {
      why: 'it must be installed, it does not run from another folder; it does not have to run the machine',
      fix: 'sudo apt-get install systemd',
    });
  }
  await writeUnits(folder);
  const hadPodman = await hasGroup(PODMAN_GROUP);
  const name = `sluice-drivers-${process.pid}`;
  const words = [...SPACES, '--', 'sh', '-c', BOOT, 'boot', name, folder, program];
  const outer = spawn('unshare', words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [outer.stdout, outer.stderr]) {
    stream.on('data', (/** @type {Buffer} */ chunk) => (said = (said + chunk.toString()).slice(-2_000)));
  }
  const gone = new Promise((resolve) => {
    outer.once('error', resolve);
    outer.once('close', resolve);
  });
  const close = async () => {
    outer.kill('SIGKILL');
    await gone;
    for (const group of [name, ...(hadPodman ? [] : [PODMAN_GROUP])]) await removeGroups(group);
  };
  const inside = (/** @type {readonly string[]} */ argv) => [
    'nsenter',
    `--target=${childOf(outer.pid)}`,
    '--mount',
    '--pid',
    '--uts',
    '--ipc',
    '--net',
    '--wd=.',
    '--',
    ...argv,
  ];
  if (await isUp(inside, outer)) return { argv: inside, close };
  await close();
  throw new SetupFailure(69, 'systemd does not come up in a space of its own', {
    why: said.trim().split('\n').slice(-4).join('; ') || 'it says nothing',
    fix: 'run it on a machine (or in a container) whose root may make namespaces and control groups',
  });
}

/** @param {string} folder made, with a file for each target */
async function writeUnits(folder) {
  await mkdir(folder, { recursive: true });
  await Promise.all(
    TARGETS.map(async (name) => {
      const text = `[Unit]\nDescription=${name}\nDefaultDependencies=no\n`;
      await writeFile(path.join(folder, `${name}.target`), text);
    }),
  );
}

/**
 * @param {number | undefined} pid of unshare
 * @returns {number | undefined} of systemd
 */
function childOf(pid) {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return children === '' ? undefined : Number(children.split(' ')[0]);
  } catch {
    return undefined;
  }
}

/**
 * @param {(argv: readonly string[]) => readonly string[]} inside
 * @param {import('node:child_process').ChildProcess} outer
 * @returns {Promise<boolean>} whether its manager answers
 */
async function isUp(inside, outer) {
  for (const until = performance.now() + UP_MS; performance.now() < until; await delay(PAUSE_MS)) {
    if (outer.exitCode !== null || outer.signalCode !== null) return false;
    if (childOf(outer.pid) === undefined) continue;
    const { stdout } = await run(inside(['systemctl', 'is-system-running']));
    if (/^(running|degraded)/.test(stdout)) return true;
  }
  return false;
}

/** @param {string} name of a group below any mount */
async function hasGroup(name) {
  const mounts = await readdir(CGROUPS).catch(() => []);
  return ['', ...mounts].some((mount) => existsSync(path.join(CGROUPS, mount, name)));
}

/** @param {string} name of the groups, which are empty by now */
async function removeGroups(name) {
  const mounts = await readdir(CGROUPS).catch(() => []);
  for (const parent of [CGROUPS, ...mounts.map((mount) => path.join(CGROUPS, mount))]) {
    await removeTree(path.join(parent, name));
  }
}

/** @param {string} folder of control groups: its files go with it. What was killed holds it for a moment. */
async function removeTree(folder) {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeTree(path.join(folder, entry.name));
  for (const until = performance.now() + GONE_MS; existsSync(folder); await delay(PAUSE_MS)) {
    await rmdir(folder).catch(() => undefined);
    if (performance.now() >= until) return;
  }
}
