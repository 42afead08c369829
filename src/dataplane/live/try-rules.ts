/**
 * Owns trying Sluice's own rules on this kernel, in a network namespace that nobody else is in and that is gone afterwards: what the kernel
 * takes there it takes here.
 */
import { SluiceError } from '../../errors.ts';
import type { Exec } from '../../host/exec.ts';
import type { Family } from '../../model/address.ts';
import { parseEntry } from '../../model/entry.ts';
import { printRules } from '../../rules/iptables/print.ts';
import type { EntryRules, Ruleset } from '../../rules/ruleset.ts';
import { detectTools } from '../iptables/variant.ts';

/** One service of each protocol, with everything that rules of ours use. */
function sample(family: Family): Ruleset {
  const [entry, instances] =
    family === 'ipv4'
      ? ['10.96.0.10:80', ['10.0.1.11', '10.0.1.12']]
      : ['[fd00::10]:80', ['fd00:1::11', 'fd00:1::12']];
  const rules = (protocol: string): EntryRules => ({
    entry: parseEntry(`${entry}/${protocol}`),
    service: 'doctor',
    masquerade: true,
    targets: instances.map((ip) => ({ ip, port: 8080, weight: 1 })),
  });
  return { entries: [rules('tcp'), rules('udp')] };
}

/** How to get a network namespace of one's own: directly, or as root of a user namespace. */
const OWN_NETWORK = [
  ['--net'],
  ['--user', '--map-root-user', '--net'],
] as const satisfies readonly (readonly string[])[];

/** What came of it. */
export interface Trial {
  readonly outcome: 'ok' | 'failed' | 'not-tried';
  /** In the words of the program that said so. */
  readonly detail: string;
}

/** Loads Sluice's rules of one family in a private network namespace. */
export async function tryRules(exec: Exec, family: Family): Promise<Trial> {
  let program: string;
  try {
    program = (await detectTools(exec)).program(family, 'restore');
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return { outcome: 'not-tried', detail: error.message };
  }
  const input = printRules(sample(family)).split(/^# ipv6.*\n/m)[family === 'ipv4' ? 0 : 1] ?? '';
  for (const flags of OWN_NETWORK) {
    const probe = await exec('unshare', [...flags, '--', 'true']);
    if (probe.exitCode !== 0) continue;
    // Its own lock: the machine's belongs to whoever changes the machine's rules.
    const env = { XTABLES_LOCKFILE: '/dev/null' };
    const result = await exec('unshare', [...flags, '--', program, '--noflush'], {
      input,
      env,
      timeoutMs: 20_000,
    });
    const said = result.stderr.trim().split('\n')[0] ?? '';
    // The old interface is closed to user namespaces, whatever the kernel can do.
    const isClosed = flags.length > 1 && /permission denied|operation not permitted/i.test(result.stderr);
    if (result.exitCode !== 0 && isClosed)
      return { outcome: 'not-tried', detail: `${program} needs root: ${said}` };
    return result.exitCode === 0
      ? { outcome: 'ok', detail: `${program} took all rules in a private network namespace` }
      : { outcome: 'failed', detail: `${program}: ${said}` };
  }
  return { outcome: 'not-tried', detail: 'no private network namespace can be made here' };
}
