/** Owns running a program in a network namespace that nobody else is in and that is gone afterwards. */
import type { Exec, ExecOptions, ExecResult } from '../../host/exec.ts';

/** How to get one: directly, or as root of a user namespace. */
const OWN_NETWORK = [
  ['--net'],
  ['--user', '--map-root-user', '--net'],
] as const satisfies readonly (readonly string[])[];

/** What the program did. */
export interface OwnNetworkResult {
  readonly result: ExecResult;
  /** It ran as root of a user namespace, to which parts of the kernel are closed. */
  readonly isUser: boolean;
}

/** Runs it; undefined if no such namespace can be made here. @throws SluiceError as `exec` does */
export async function inOwnNetwork(
  exec: Exec,
  argv: readonly string[],
  options: ExecOptions = {},
): Promise<OwnNetworkResult | undefined> {
  for (const flags of OWN_NETWORK) {
    const probe = await exec('unshare', [...flags, '--', 'true']);
    if (probe.exitCode !== 0) continue;
    const result = await exec('unshare', [...flags, '--', ...argv], { timeoutMs: 20_000, ...options });
    return { result, isUser: flags.length > 1 };
  }
  return undefined;
}
