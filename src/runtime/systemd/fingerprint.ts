/** Owns telling whether systemd can keep instances on this node. */
import { existsSync } from 'node:fs';
import type { Exec } from '../../host/exec.ts';
import { enforceable } from '../cgroup/cgroup.ts';
import type { CgroupMounts } from '../cgroup/mounts.ts';
import type { Fingerprint } from '../driver.ts';
import { LAUNCH_ENV } from '../launch/launch.ts';
import { missingPrograms } from '../launch/program.ts';
import { parseVersion } from './unit.ts';

/** Where sd_booted(3) looks: there while systemd is the system manager. */
const BOOTED = '/run/systemd/system';
const NEEDED = ['systemctl', 'systemd-run', 'setpriv', 'perl'];
/** Programs started with `Type=exec`, output appended to files. */
const MIN_VERSION = 240;

/** Looks at the node. */
export async function fingerprintSystemd({
  mounts,
  run,
}: {
  readonly mounts: CgroupMounts;
  readonly run: Exec;
}): Promise<Fingerprint> {
  const limits = [...enforceable(mounts), 'files' as const];
  const no = (why: string): Fingerprint => ({ ok: false, limits, why });
  if (!existsSync(BOOTED)) return no(`systemd does not run this node: there is no ${BOOTED}`);
  if (process.geteuid?.() !== 0) return no('the agent is not root: only root may start system services');
  const missing = await missingPrograms(NEEDED, LAUNCH_ENV['PATH']);
  if (missing.length > 0) return no(`missing programs: ${missing.join(', ')}`);
  const { stdout } = await run('systemctl', ['--version']);
  const version = parseVersion(stdout);
  if (version === undefined || version < MIN_VERSION) {
    return no(`systemd ${version ?? 'of an unknown version'} is too old: ${MIN_VERSION} is needed`);
  }
  return { ok: true, version: String(version), limits };
}
