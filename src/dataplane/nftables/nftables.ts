/** Owns opening the nftables data plane of the network namespace that programs are run in. */
import type { Exec } from '../../host/exec.ts';
import { openPipe as openMachinePipe, type OpenPipe } from '../../host/pipe.ts';
import type { Family } from '../../model/address.ts';
import type { Dataplane } from '../dataplane.ts';
import { familiesDataplane } from '../families-dataplane.ts';
import type { FamilyRules } from '../family-rules.ts';
import { ipEntryRoutes } from '../ip-routes.ts';
import { NftFamilyRules } from './family-rules.ts';
import { createHelper } from './resident-nft.ts';
import { nftTable } from './nft-table.ts';

/** Where and for whom. */
export interface NftablesOptions {
  readonly exec: Exec;
  /** Starts programs that stay, in the same namespace as `exec`; default: that of this process. */
  readonly openPipe?: OpenPipe | undefined;
  /** Name of this node. */
  readonly node: string;
}

/** Our tables of the namespace; reads and starts nothing yet. Both families share one helper. */
export function nftablesRules(options: NftablesOptions): Readonly<Record<Family, FamilyRules>> {
  const { exec, openPipe = openMachinePipe, node } = options;
  const helper = createHelper(openPipe);
  const rulesOf = (family: Family): FamilyRules => new NftFamilyRules(nftTable(exec, helper, family), node);
  return { ipv4: rulesOf('ipv4'), ipv6: rulesOf('ipv6') };
}

/** Opens the data plane on nftables, named 'nftables'; reads and starts nothing yet. */
export function openNftables(options: NftablesOptions): Dataplane {
  const families = nftablesRules(options);
  return familiesDataplane({ name: 'nftables', families, routes: ipEntryRoutes(options.exec) });
}
