/** Owns opening the data plane of a node: looks what is there, chooses the layout, and takes care of what another layout left. */
import type { Exec } from '../host/exec.ts';
import { ifInstalled } from '../host/if-installed.ts';
import { openPipe as openMachinePipe, type OpenPipe } from '../host/pipe.ts';
import type { Dataplane } from './dataplane.ts';
import type { FamilyRules } from './family-rules.ts';
import { iptablesRules } from './iptables/iptables.ts';
import { restoreByExec, type RunRestore } from './iptables/nat-table.ts';
import { detectTools, hasOurChains, type Tools } from './iptables/variant.ts';
import { familiesDataplane } from './families-dataplane.ts';
import { ipEntryRoutes, type RouteType } from './ip-routes.ts';
import { type AskedLayout, chooseLayout, type LayoutChoice, type LayoutFacts } from './layout-choice.ts';
import { nftablesRules } from './nftables/nftables.ts';
import { hasOurTable, nftProblem } from './nftables/probe.ts';
import { removingLeftovers } from './switching.ts';

/** What to open, and where. */
export interface LayoutOptions {
  readonly asked: AskedLayout;
  /** Runs programs in the namespace to program. */
  readonly exec: Exec;
  /** Starts programs that stay, in the same namespace; default: that of this process. */
  readonly openPipe?: OpenPipe | undefined;
  /** How texts reach iptables-restore, in the same namespace; default: by `exec`. */
  readonly runRestore?: RunRestore | undefined;
  /** Name of this node: makes the phases of its rules differ from other nodes'. */
  readonly node: string;
  /** Of the routes to entries, in every layout; `device`, the default, needs a guard beside it. */
  readonly routeType?: RouteType | undefined;
}

/** A data plane and why it is this one. */
export interface OpenedLayout {
  readonly dataplane: Dataplane;
  readonly choice: LayoutChoice;
  /** The iptables of this node, whatever the layout; undefined if none is installed. */
  readonly tools: Tools | undefined;
}

/** What this node has. */
interface NodeLayouts {
  readonly tools: Tools | undefined;
  readonly facts: LayoutFacts;
}

/** Looks what this node has; reads only. */
export async function lookAtLayouts(exec: Exec): Promise<NodeLayouts> {
  const [tools, problem, hasTable] = await Promise.all([
    ifInstalled(async () => detectTools(exec)),
    nftProblem(exec),
    hasOurTable(exec),
  ]);
  const hasChains = tools !== undefined && (await hasOurChains(exec, tools));
  const installed = [...(hasChains ? ['iptables' as const] : []), ...(hasTable ? ['nftables' as const] : [])];
  return { tools, facts: { iptables: tools?.variant, nftProblem: problem, installed } };
}

/**
 * Opens the data plane of the network namespace that `exec` runs programs in; reads only.
 * @throws SluiceError `config` if what was asked for, or everything, does not work here
 */
export async function openLayout(options: LayoutOptions): Promise<OpenedLayout> {
  const { asked, exec, openPipe = openMachinePipe, node, routeType = 'device' } = options;
  const { runRestore = restoreByExec(exec) } = options;
  const { tools, facts } = await lookAtLayouts(exec);
  const { installed } = facts;
  const choice = chooseLayout(asked, facts);
  const inIptables = tools === undefined ? undefined : iptablesRules({ exec, runRestore }, tools);
  const inNftables = nftablesRules({ exec, openPipe, node });
  const isNftables = choice.layout === 'nftables';
  const families = isNftables ? inNftables : (inIptables ?? inNftables);
  const other = isNftables ? inIptables : inNftables;
  const isOtherInstalled = installed.some((layout) => layout !== choice.layout);
  const leftovers: readonly FamilyRules[] =
    other === undefined || !isOtherInstalled ? [] : [other.ipv4, other.ipv6];
  const name = isNftables || tools === undefined ? 'nftables' : `iptables-${tools.variant}`;
  const dataplane = familiesDataplane({ name, families, routes: ipEntryRoutes(exec, routeType) });
  return { dataplane: removingLeftovers(dataplane, leftovers), choice, tools };
}
