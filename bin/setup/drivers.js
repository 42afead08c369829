/** Owns `npm run test:drivers`: the drivers systemd and podman under their contract, on the real ones. Says why where it cannot; skips nothing. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SetupFailure } from './failure.js';
import { runInForeground } from './run.js';
import { openSystemdSpace } from './systemd-space.js';

/** @type {readonly import('./packages.js').Requirement[]} */
export const DRIVER_REQUIREMENTS = [
  { programs: ['podman'], packages: { apt: 'podman', dnf: 'podman', pacman: 'podman', apk: 'podman' } },
  { programs: ['runc'], packages: { apt: 'runc', dnf: 'runc', pacman: 'runc', apk: 'runc' } },
];

/**
 * Refuses what could only fail later.
 * @throws {SetupFailure} 77
 */
export function checkRoot() {
  if (process.getuid?.() === 0) return;
  throw new SetupFailure(77, 'test:drivers needs root of this machine', {
    why: 'systemd and podman run instances as other users, in control groups',
    fix: 'sudo npm run test:drivers',
  });
}

/**
 * @param {{ root: string, env: NodeJS.ProcessEnv, args: readonly string[] }} options args are vitest's own
 * @returns {Promise<number>} vitest's exit code
 */
export async function runDriverTests({ root, env, args }) {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-drivers-'));
  try {
    const space = await openSystemdSpace(path.join(folder, 'units'));
    try {
      const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
      const words = [process.execPath, vitest, 'run', '--config', 'test/drivers/vitest.config.ts', ...args];
      return await runInForeground(space.argv(words), { cwd: root, env });
    } finally {
      await space.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
