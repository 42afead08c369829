/**
 * Owns where a new instance goes: hard filters, then at most one more of the service than on the eligible node with the fewest, then the
 * least load. Of the ways that were simulated this one had both the lowest load on the fullest node and the smallest loss with one. Pure.
 */
import type { NodeFacts } from '../model/node.ts';
import type { Stored } from '../model/service.ts';
import type { Template } from '../model/template.ts';
import { type ClusterView, failureKey, type NodeView } from './view.ts';

/** A template that failed on a node is not tried there again for this long, doubled with every failure. */
const FAILURE_PAUSE_MS = 15_000;
const LONGEST_PAUSE_MS = 10 * 60_000;

/** What is to be placed. */
export interface Wanted {
  readonly service: string;
  readonly template: Template;
  readonly templateHash: string;
  /** The record that the template was read from, with fields of newer versions. */
  readonly raw: Stored<unknown>['raw'];
}

/** What stands on the nodes by now, kept up to date as instances are placed. */
export interface Occupancy {
  /** Assignments that stay, of all services, by node. */
  readonly all: Map<string, number>;
  /** Of one service: those that are as wanted, by node; what is outdated will be gone, and must not make the rest uneven. */
  readonly current: Map<string, number>;
  /** Of one service: all that may still hold a port, by node. */
  readonly present: Map<string, number>;
}

/** What placement is decided with. */
export interface PlacementContext {
  readonly view: ClusterView;
  readonly nowMs: number;
  /** Use of a node's processors, 0 to 1, where it is known; takes the place of the number of assignments. */
  readonly load?: ReadonlyMap<string, number> | undefined;
}

/** A node for it, or why there is none: one reason for each node, sorted by node. */
export type Placement =
  { readonly kind: 'node'; readonly node: NodeView } | { readonly kind: 'none'; readonly why: string };

/** Why a node cannot take it, in a few words; undefined: it can. */
function unfit(node: NodeView, wanted: Wanted, held: number): string | undefined {
  const facts: NodeFacts | undefined = node.facts?.value;
  const { driver, nodeSelector, ports } = wanted.template;
  if (facts === undefined) return 'says nothing of itself';
  if (node.aliveRevision === undefined) return 'silent';
  if (facts.drain !== undefined) return 'drained';
  if (facts.cordoned === true) return 'cordoned';
  if (facts.drivers?.includes(driver) !== true) return `no driver ${driver}`;
  const missing = Object.entries(nodeSelector)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .find(([key, value]) => facts.labels?.[key] !== value);
  if (missing !== undefined) return `no label ${missing.join('=')}`;
  if (held > ports.to - ports.from) return `no port left of ${ports.from}-${ports.to}`;
  return undefined;
}

/** True while a node on which it failed is left alone. */
function isResting({ view, nowMs }: PlacementContext, wanted: Wanted, node: string): boolean {
  const failure = view.memory.failures.get(failureKey(wanted.service, wanted.templateHash, node));
  if (failure === undefined) return false;
  const pauseMs = Math.min(LONGEST_PAUSE_MS, FAILURE_PAUSE_MS * 2 ** Math.min(failure.count - 1, 10));
  return nowMs - failure.lastMs < pauseMs;
}

/** Nodes where an instance of this service failed, whatever its template. */
function failedNodes({ view }: PlacementContext, service: string): ReadonlySet<string> {
  const prefix = `${service}/`;
  const places = [...view.memory.failures.keys()].filter((key) => key.startsWith(prefix));
  return new Set(places.map((key) => key.slice(key.lastIndexOf('/') + 1)));
}

const count = (counts: ReadonlyMap<string, number>, node: string): number => counts.get(node) ?? 0;

/** How loaded a node would be. */
function loadOf(context: PlacementContext, { all }: Occupancy, { name, facts }: NodeView): number {
  const cpus = Math.max(1, facts?.value.cpus ?? 1);
  const known = context.load?.get(name);
  return known === undefined ? (count(all, name) + 1) / cpus : known + 1 / cpus;
}

function noNode(reasons: ReadonlyMap<string, string>): Placement {
  const lines = [...reasons].map(([name, why]) => `${name}: ${why}`).toSorted();
  const shown = lines.slice(0, 8).join(', ');
  const more = lines.length > 8 ? `, and ${lines.length - 8} more` : '';
  return {
    kind: 'none',
    why: lines.length === 0 ? 'there is no node' : `no node can take it (${shown}${more})`,
  };
}

/** Chooses a node. Equal input, equal node: ties are broken by name. */
export function choosePlace(context: PlacementContext, wanted: Wanted, occupancy: Occupancy): Placement {
  const reasons = new Map<string, string>();
  const eligible: NodeView[] = [];
  for (const node of context.view.nodes.values()) {
    const held = count(occupancy.present, node.name);
    const why =
      unfit(node, wanted, held) ?? (isResting(context, wanted, node.name) ? 'it failed there' : undefined);
    if (why === undefined) eligible.push(node);
    else reasons.set(node.name, why);
  }
  const fewest = Math.min(...eligible.map(({ name }) => count(occupancy.current, name)));
  const failed = failedNodes(context, wanted.service);
  const best = eligible
    .filter(({ name }) => count(occupancy.current, name) <= fewest)
    .map((node) => ({
      node,
      failed: failed.has(node.name),
      present: count(occupancy.present, node.name),
      load: loadOf(context, occupancy, node),
    }))
    .toSorted(
      (a, b) =>
        Number(a.failed) - Number(b.failed) ||
        a.present - b.present ||
        a.load - b.load ||
        (a.node.name < b.node.name ? -1 : 1),
    )[0];
  return best === undefined ? noNode(reasons) : { kind: 'node', node: best.node };
}

/** Counts one more on a node. */
export function occupy(occupancy: Occupancy, node: string): void {
  for (const counts of [occupancy.all, occupancy.current, occupancy.present]) {
    counts.set(node, count(counts, node) + 1);
  }
}
