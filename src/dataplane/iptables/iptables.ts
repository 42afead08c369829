/** Owns opening the iptables data plane of the network namespace that programs are run in. */
import type { Exec } from '../../host/exec.ts';
import type { Dataplane } from '../dataplane.ts';
import { ipEntryRoutes, type RouteType } from '../ip-routes.ts';
import { chainDataplane } from './chain-dataplane.ts';
import { iptablesNatTable, restoreByExec, type RunRestore } from './nat-table.ts';
import { detectTools } from './variant.ts';

/** How the data plane works; both have a default. */
export interface IptablesOptions {
  /** How texts reach iptables-restore, in the same namespace as `exec`. */
  readonly runRestore?: RunRestore | undefined;
  /** Of the routes to entries; `device` needs a guard beside it. */
  readonly routeType?: RouteType | undefined;
}

/**
 * Opens the data plane on iptables-nft or iptables-legacy, chosen now and kept for its life; reads only.
 * @param exec runs programs in the namespace to program
 * @returns named 'iptables-nft' or 'iptables-legacy'
 * @throws SluiceError `config` if iptables is not installed
 */
export async function openIptables(exec: Exec, options: IptablesOptions = {}): Promise<Dataplane> {
  const { runRestore = restoreByExec(exec), routeType = 'device' } = options;
  const tools = await detectTools(exec);
  const by = { exec, runRestore };
  return chainDataplane({
    name: `iptables-${tools.variant}`,
    tables: { ipv4: iptablesNatTable(by, tools, 'ipv4'), ipv6: iptablesNatTable(by, tools, 'ipv6') },
    routes: ipEntryRoutes(exec, routeType),
  });
}
