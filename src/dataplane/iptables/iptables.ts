/** Owns opening the iptables data plane of the network namespace that programs are run in. */
import type { Exec } from '../../host/exec.ts';
import type { Family } from '../../model/address.ts';
import type { Dataplane } from '../dataplane.ts';
import { familiesDataplane } from '../families-dataplane.ts';
import type { FamilyRules } from '../family-rules.ts';
import { ipEntryRoutes, type RouteType } from '../ip-routes.ts';
import { ChainFamilyRules } from './family-rules.ts';
import { iptablesNatTable, type NatTableExec, restoreByExec, type RunRestore } from './nat-table.ts';
import { detectTools, type Tools } from './variant.ts';

/** Our rules in the nat tables of the network namespace that programs are run in. */
export function iptablesRules(by: NatTableExec, tools: Tools): Readonly<Record<Family, FamilyRules>> {
  const rulesOf = (family: Family): FamilyRules => new ChainFamilyRules(iptablesNatTable(by, tools, family));
  return { ipv4: rulesOf('ipv4'), ipv6: rulesOf('ipv6') };
}

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
  return familiesDataplane({
    name: `iptables-${tools.variant}`,
    families: iptablesRules({ exec, runRestore }, tools),
    routes: ipEntryRoutes(exec, routeType),
  });
}
