/** Owns reading what verify compares: our rules with their counters, in the layout that is installed. Reads only. */
import { SluiceError } from '../../errors.ts';
import type { Exec } from '../../host/exec.ts';
import type { Family } from '../../model/address.ts';
import type { Ruleset } from '../../rules/ruleset.ts';
import type { Comparison } from '../../rules/verify/comparison.ts';
import { compareIptables } from '../../rules/verify/iptables.ts';
import { detectTools } from '../iptables/variant.ts';

/** What is installed, ready to be compared. */
export interface InstalledRules {
  /** e.g. 'iptables-nft' */
  readonly layout: string;
  readonly compare: (ruleset: Ruleset, family: Family) => Comparison;
}

/** Reads both families. @throws SluiceError `config`, `permission`, `failed` */
export async function readInstalled(exec: Exec): Promise<InstalledRules> {
  const tools = await detectTools(exec);
  const read = async (family: Family): Promise<string> => {
    const program = tools.program(family, 'save');
    const args = tools.variant === 'nft' ? ['-c', '-t', 'nat'] : ['-c'];
    const { exitCode, stdout, stderr } = await exec(program, args, { timeoutMs: 60_000 });
    if (exitCode === 0) return stdout;
    const why = stderr.trim().split('\n')[0];
    const isRefused = /permission denied|operation not permitted|must be root/i.test(stderr);
    throw new SluiceError(isRefused ? 'permission' : 'failed', `${program} failed`, {
      why,
      fix: isRefused ? 'run it as root' : undefined,
    });
  };
  const listings = { ipv4: await read('ipv4'), ipv6: await read('ipv6') };
  return {
    layout: `iptables-${tools.variant}`,
    compare: (ruleset, family) => compareIptables(ruleset, family, listings[family]),
  };
}
