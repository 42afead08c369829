/** Owns opening the iptables data plane of the network namespace that programs are run in. */
import type { Exec } from '../../host/exec.ts';
import type { Family } from '../../model/address.ts';
import type { Dataplane } from '../dataplane.ts';
import { familiesDataplane } from '../families-dataplane.ts';
import type { FamilyRules } from '../family-rules.ts';
import { ipEntryRoutes } from '../ip-routes.ts';
import { ChainFamilyRules } from './family-rules.ts';
import { iptablesNatTable, type NatTableExec, restoreByExec, type RunRestore } from './nat-table.ts';
import { detectTools, type Tools } from './variant.ts';

/** Our rules in the nat tables of the network namespace that programs are run in. */
export function iptablesRules(by: NatTableExec, tools: Tools): Readonly<Record<Family, FamilyRules>> {
  const rulesOf = (family: Family): FamilyRules => new ChainFamilyRules(iptablesNatTable(by, tools, family));
  return { ipv4: rulesOf('ipv4'), ipv6: rulesOf('ipv6') };
}

/**
 * Opens the data plane on iptables-nft or iptables-legacy, chosen now and kept for its life; reads only.
 * @param exec runs programs in the namespace to program
 * @param runRestore how texts reach iptables-restore, in the same namespace
 * @returns named 'iptables-nft' or 'iptables-legacy'
 * @throws SluiceError `config` if iptables is not installed
 */
export async function openIptables(
  exec: Exec,
  runRestore: RunRestore = restoreByExec(exec),
): Promise<Dataplane> {
  const tools = await detectTools(exec);
  const families = iptablesRules({ exec, runRestore }, tools);
  return familiesDataplane({ name: `iptables-${tools.variant}`, families, routes: ipEntryRoutes(exec) });
}
