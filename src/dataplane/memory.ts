/** Owns the data plane in memory: the layout of the iptables one over modelled tables and routes. For tests and simulation. */
import type { Family } from '../model/address.ts';
import type { Dataplane } from './dataplane.ts';
import { diffRoutes, type EntryRoutes, refusalLines } from './entry-routes.ts';
import { familiesDataplane } from './families-dataplane.ts';
import { ChainFamilyRules } from './iptables/family-rules.ts';
import { type MemoryTable, memoryTable } from './memory-table.ts';

/** A modelled kernel: nat tables, routes and the node's own addresses. */
export interface MemoryKernel {
  readonly tables: Readonly<Record<Family, MemoryTable>>;
  /** Routes of ours: entry address → source. */
  readonly routes: Map<string, string>;
  readonly nodeAddresses: readonly string[];
}

/** A data plane whose kernel can be looked at and disturbed. */
export interface MemoryDataplane extends Dataplane {
  readonly kernel: MemoryKernel;
}

/** A fresh kernel without rules and routes. */
export function memoryKernel(nodeAddresses: readonly string[] = []): MemoryKernel {
  return {
    tables: { ipv4: memoryTable('ipv4'), ipv6: memoryTable('ipv6') },
    routes: new Map(),
    nodeAddresses,
  };
}

function memoryRoutes({ routes, nodeAddresses }: MemoryKernel): EntryRoutes {
  return {
    adopt: async () => {},
    apply: async (ips, facts) => {
      const delta = diffRoutes(ips, facts, { ours: routes, foreign: new Set(nodeAddresses) });
      for (const [ip, source] of [...delta.add, ...delta.replace]) routes.set(ip, source);
      for (const ip of delta.remove) routes.delete(ip);
      const changed = delta.add.size + delta.replace.size + delta.remove.length;
      return { changed, failures: refusalLines(delta.refused) };
    },
    dump: async () => [...routes].map(([ip, source]) => `route local ${ip} dev lo src ${source}`).toSorted(),
    cleanup: async () => routes.clear(),
  };
}

/** A data plane on a modelled kernel; several on one kernel model agents that follow each other. */
export function memoryDataplane(kernel: MemoryKernel = memoryKernel()): MemoryDataplane {
  const { tables } = kernel;
  const families = { ipv4: new ChainFamilyRules(tables.ipv4), ipv6: new ChainFamilyRules(tables.ipv6) };
  return { ...familiesDataplane({ name: 'memory', families, routes: memoryRoutes(kernel) }), kernel };
}
