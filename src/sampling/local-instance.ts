/** Owns which instances a node measures, and what it must know of each. Pure. */
import { instanceKey } from '../model/load.ts';
import type { Instance } from '../model/service.ts';
import type { Snapshot } from '../model/snapshot.ts';

/** Where the kernel counts the use of an instance; what is undefined is not counted there. */
export interface UseFiles {
  readonly version: 1 | 2;
  /** Folder with cpuacct.usage (1) or cpu.stat (2). */
  readonly cpuFolder?: string | undefined;
  /** Folder with memory.stat. */
  readonly memoryFolder?: string | undefined;
}

/** A process as the kernel tells it from others of its pid. */
export interface SessionLeader {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat. */
  readonly startTicks: number;
}

/** What a driver knows of an instance that it runs here. */
export interface Running {
  /** Another one for each start. */
  readonly run: string;
  readonly groups?: UseFiles | undefined;
  /** Leader of the session of its processes, for nodes without control groups. */
  readonly leader?: SessionLeader | undefined;
  /** Cores that it may use; undefined: all. */
  readonly limitCores?: number | undefined;
}

/** An instance on this node. */
export interface LocalInstance {
  /** `SERVICE/ID` */
  readonly name: string;
  readonly ip: string;
  readonly port: number;
  /** Undefined: not started by this node's agent, so that nobody knows its processes. */
  readonly running?: Running | undefined;
}

/** What tells a node's own instances from others'. */
export interface Place {
  readonly node: string;
  /** All addresses of the node, canonical. */
  readonly addresses: ReadonlySet<string>;
  /** What drivers know, by `SERVICE/ID`. */
  readonly running: ReadonlyMap<string, Running>;
}

/** By what it says of its node; where it says nothing, by its address. */
function isHere({ node, ip }: Instance, place: Place): boolean {
  return node === undefined ? place.addresses.has(ip) : node === place.node;
}

/** Instances of this node, sorted by name. */
export function localInstances({ instances }: Snapshot, place: Place): readonly LocalInstance[] {
  const found: LocalInstance[] = [];
  for (const [service, list] of instances) {
    for (const { value } of list) {
      if (!isHere(value, place)) continue;
      const name = instanceKey(service, value.id);
      found.push({ name, ip: value.ip, port: value.port, running: place.running.get(name) });
    }
  }
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
