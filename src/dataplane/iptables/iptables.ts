/** Owns opening the iptables data plane of the network namespace that programs are run in. */
import type { Exec } from '../../host/exec.ts';
import type { Dataplane } from '../dataplane.ts';
import { ipEntryRoutes } from '../ip-routes.ts';
import { chainDataplane } from './chain-dataplane.ts';
import { iptablesNatTable, restoreByExec, type RunRestore } from './nat-table.ts';
import { detectTools } from './variant.ts';

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
  const by = { exec, runRestore };
  return chainDataplane({
    name: `iptables-${tools.variant}`,
    tables: { ipv4: iptablesNatTable(by, tools, 'ipv4'), ipv6: iptablesNatTable(by, tools, 'ipv6') },
    routes: ipEntryRoutes(exec),
  });
}
