/** Owns the data plane in memory: the layout of the iptables one over modelled tables and routes. For tests and simulation. */
import type { Dataplane } from './dataplane.ts';
import { diffRoutes, type EntryRoutes, refusalLines } from './entry-routes.ts';
import { chainDataplane } from './iptables/chain-dataplane.ts';
import { type MemoryTable, memoryTable } from './memory-table.ts';

/** A data plane whose kernel can be looked at and disturbed. */
export interface MemoryDataplane extends Dataplane {
  readonly tables: Readonly<Record<'ipv4' | 'ipv6', MemoryTable>>;
  /** Our routes: entry address → source. */
  readonly routes: ReadonlyMap<string, string>;
}

function memoryRoutes(ours: Map<string, string>, nodeAddresses: readonly string[]): EntryRoutes {
  return {
    adopt: async () => {},
    apply: async (ips, facts) => {
      const delta = diffRoutes(ips, facts, { ours, foreign: new Set(nodeAddresses) });
      for (const [ip, source] of [...delta.add, ...delta.replace]) ours.set(ip, source);
      for (const ip of delta.remove) ours.delete(ip);
      const changed = delta.add.size + delta.replace.size + delta.remove.length;
      return { changed, failures: refusalLines(delta.refused) };
    },
    dump: async () => [...ours].map(([ip, source]) => `route local ${ip} dev lo src ${source}`).toSorted(),
    cleanup: async () => ours.clear(),
  };
}

/**
 * A fresh modelled kernel with a data plane on it. Pass the `tables` and `routes` of an earlier one to model another agent on the same kernel.
 * @param kernel what is already there; nodeAddresses are addresses of the node itself
 */
export function memoryDataplane(
  kernel: {
    readonly tables?: MemoryDataplane['tables'];
    readonly routes?: ReadonlyMap<string, string>;
    readonly nodeAddresses?: readonly string[];
  } = {},
): MemoryDataplane {
  const tables = kernel.tables ?? { ipv4: memoryTable('ipv4'), ipv6: memoryTable('ipv6') };
  const ours = new Map(kernel.routes);
  const dataplane = chainDataplane({
    name: 'memory',
    tables,
    routes: memoryRoutes(ours, kernel.nodeAddresses ?? []),
  });
  return { ...dataplane, tables, routes: ours };
}
