/** Owns the services that every contender serves: the same entries, instances and weights for all. Pure. */
import type { EntryRules } from '../../../src/rules/ruleset.ts';

/** One service of the benchmark. */
export interface BenchService {
  readonly name: string;
  /** Its entry's address; the port is `ENTRY_PORT`. */
  readonly vip: string;
  /** Addresses of its instances; the port is `INSTANCE_PORT`. */
  readonly instances: readonly string[];
  /** One for each instance. kube-proxy knows no weights and takes its instances as equal. */
  readonly weights: readonly number[];
}

/** Where clients connect to. */
export const ENTRY_PORT = 80;
/** Where instances listen. */
export const INSTANCE_PORT = 8080;
/** All entries, and all instances: what the machines of a lane have routes for. */
export const ENTRIES_NET = '10.96.0.0/14';
export const INSTANCES_NET = '10.200.0.0/16';
/** Forwarded by the node, but no entry and no instance of any service. */
export const PLAIN_ADDRESS = '10.201.0.1';
/** Instances of an ordinary service, and their weights. */
const WEIGHTS: readonly number[] = [1, 2, 7, 4, 1];

const address = (base: number, n: number): string => `10.${base + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;

/** Service number `at` (from 0), with instances of its own. */
export function benchService(at: number): BenchService {
  return {
    name: `svc${at}`,
    vip: address(96, at),
    instances: WEIGHTS.map((_, n) => address(200, at * WEIGHTS.length + n + 1)),
    weights: WEIGHTS,
  };
}

/** Services 0 to `count` - 1. */
export function benchServices(count: number): readonly BenchService[] {
  return Array.from({ length: count }, (_, at) => benchService(at));
}

/** A service at the place of service `at` whose instances have these weights. */
export function weightedService(at: number, weights: readonly number[]): BenchService {
  return { ...benchService(at), instances: weights.map((_, n) => address(200, n + 1)), weights };
}

/** The same service after change number `n` ≥ 1: the weight of its last instance is another. */
export function reweighted(service: BenchService, n: number): BenchService {
  return { ...service, weights: [...service.weights.slice(0, -1), 1 + n] };
}

/** The same service after change number `n` ≥ 1 for layouts without weights: its last instance is another. */
export function replaced(service: BenchService, n: number): BenchService {
  return { ...service, instances: [...service.instances.slice(0, -1), address(200, 60_000 + n)] };
}

/** A service as Sluice's data planes take it. */
export function entryRules(service: BenchService): EntryRules {
  return {
    entry: { ip: service.vip, port: ENTRY_PORT, protocol: 'tcp' },
    service: service.name,
    masquerade: false,
    targets: service.instances.map((ip, at) => ({
      ip,
      port: INSTANCE_PORT,
      weight: service.weights[at] ?? 1,
    })),
  };
}
