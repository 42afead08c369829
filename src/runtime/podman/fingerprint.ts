/** Owns telling whether podman can keep instances on this node. */
import type { Exec } from '../../host/exec.ts';
import { ifInstalled } from '../../host/if-installed.ts';
import { plainText } from '../../model/text.ts';
import { enforceable } from '../cgroup/cgroup.ts';
import type { CgroupMounts } from '../cgroup/mounts.ts';
import type { Fingerprint } from '../driver.ts';

/** The log driver `passthrough`, and `rm --time`. */
const MIN_MAJOR = 4;

/** Looks at the node. */
export async function fingerprintPodman({
  mounts,
  run,
}: {
  readonly mounts: CgroupMounts;
  readonly run: Exec;
}): Promise<Fingerprint> {
  const limits = [...enforceable(mounts), 'files' as const];
  const no = (why: string): Fingerprint => ({ ok: false, limits, why });
  const told = await ifInstalled(
    async () => await run('podman', ['version', '--format', '{{.Client.Version}}']),
  );
  if (told === undefined) return no('podman is not installed');
  if (process.geteuid?.() !== 0) return no('the agent is not root: containers of other users need it');
  const version = told.stdout.trim();
  const major = Number(/^(\d+)\./.exec(version)?.[1]);
  if (told.exitCode !== 0 || Number.isNaN(major)) {
    return no(`podman does not work: ${plainText(told.stderr, 200)}`);
  }
  if (major < MIN_MAJOR) return no(`podman ${version} is too old: ${MIN_MAJOR}.0 is needed`);
  return { ok: true, version, limits };
}
