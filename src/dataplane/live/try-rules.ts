/**
 * Owns trying Sluice's own rules on this kernel, in a network namespace that nobody else is in and that is gone afterwards: what the kernel
 * takes there it takes here.
 */
import { SluiceError } from '../../errors.ts';
import type { Exec, ExecOptions } from '../../host/exec.ts';
import type { Family } from '../../model/address.ts';
import { parseEntry } from '../../model/entry.ts';
import { guardOf } from '../../rules/guard/guard-state.ts';
import { guardTable } from '../../rules/guard/guard-text.ts';
import { printRules } from '../../rules/iptables/print.ts';
import { printNftRules } from '../../rules/nftables/print.ts';
import type { EntryRules, Ruleset } from '../../rules/ruleset.ts';
import { detectTools } from '../iptables/variant.ts';
import type { Layout } from '../layout-choice.ts';
import { inOwnNetwork, type OwnNetworkResult } from './own-network.ts';

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
  return { entries: [rules('tcp'), { ...rules('udp'), affinitySeconds: 60 }] };
}

/** What came of it. */
export interface Trial {
  readonly outcome: 'ok' | 'failed' | 'not-tried';
  /** In the words of the program that said so. */
  readonly detail: string;
}

/** Runs a program that loads rules. */
async function load(exec: Exec, argv: readonly [string, ...string[]], options: ExecOptions): Promise<Trial> {
  const [program] = argv;
  let ran: OwnNetworkResult | undefined;
  try {
    ran = await inOwnNetwork(exec, argv, options);
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return { outcome: 'not-tried', detail: error.message };
  }
  if (ran === undefined)
    return { outcome: 'not-tried', detail: 'no private network namespace can be made here' };
  const { exitCode, stderr } = ran.result;
  const said = stderr.trim().split('\n')[0] ?? '';
  if (exitCode === 0)
    return { outcome: 'ok', detail: `${program} took all rules in a private network namespace` };
  if (exitCode === 127 && /failed to execute/.test(stderr))
    return { outcome: 'not-tried', detail: `${program} is not installed` };
  // The old interface is closed to user namespaces, whatever the kernel can do.
  if (ran.isUser && /permission denied|operation not permitted/i.test(stderr))
    return { outcome: 'not-tried', detail: `${program} needs root: ${said}` };
  return { outcome: 'failed', detail: `${program}: ${said}` };
}

/** The part of one family of printed rules. */
const partOf = (text: string, family: Family): string =>
  text.split(/^# ipv6.*\n/m)[family === 'ipv4' ? 0 : 1] ?? '';

async function tryIptables(exec: Exec, family: Family): Promise<Trial> {
  let program: string;
  try {
    program = (await detectTools(exec)).program(family, 'restore');
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return { outcome: 'not-tried', detail: error.message };
  }
  // Its own lock: the machine's belongs to whoever changes the machine's rules.
  const env = { XTABLES_LOCKFILE: '/dev/null' };
  return load(exec, [program, '--noflush'], { input: partOf(printRules(sample(family)), family), env });
}

/** Loads the rules of one layout and family in a private network namespace. */
export async function tryRules(exec: Exec, layout: Layout, family: Family): Promise<Trial> {
  if (layout === 'iptables') return tryIptables(exec, family);
  const text = partOf(printNftRules(sample(family), 'doctor'), family);
  return load(exec, ['nft', '-f', '-'], { input: text });
}

/** Loads the guard likewise. */
export async function tryGuard(exec: Exec): Promise<Trial> {
  const entries = [...sample('ipv4').entries, ...sample('ipv6').entries];
  return load(exec, ['nft', '-f', '-'], { input: guardTable(guardOf({ entries }), true) });
}
