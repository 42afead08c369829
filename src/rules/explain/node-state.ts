/** Owns what of the node besides its rules decides about a packet: where it comes from, routes, kernel settings. Pure data. */
import { isInNetwork } from '../../model/network.ts';

/** Where the node would send packets to an address. */
export type RouteFact =
  | { readonly kind: 'local'; readonly device: string; readonly source: string | undefined }
  | {
      readonly kind: 'via';
      readonly device: string;
      readonly gateway: string | undefined;
      readonly source: string | undefined;
    }
  /** In the kernel's words. */
  | { readonly kind: 'none'; readonly why: string };

/** Where the client is. */
export interface Origin {
  readonly kind: 'node' | 'outside';
  /** The client's address; undefined if the node has none to reach the entry with. */
  readonly source: string | undefined;
  /** Device by which its packets come in; '' for the node itself. */
  readonly device: string;
  /** How the node reaches the client; undefined for the node itself. */
  readonly route: RouteFact | undefined;
}

/** Kernel settings and what else was read once. */
export interface NodeState {
  readonly origin: Origin;
  /** How the node itself reaches the entry. */
  readonly entryRoute: RouteFact;
  /** Networks whose addresses are local to the node; those of entries included. */
  readonly localNetworks: readonly string[];
  /** ip_forward, or forwarding of IPv6. */
  readonly forwards: boolean;
  /** Devices with their effective rp_filter: 0 off, 1 strict, 2 loose. IPv4 only. */
  readonly reversePath: ReadonlyMap<string, number>;
  /** Packets dropped by rp_filter since boot. */
  readonly reversePathDrops: number;
  /** Devices that let 127.0.0.0/8 in and out. */
  readonly routeLocalnet: ReadonlySet<string>;
  /** Rules by variant of iptables, all tables of this family. */
  readonly ruleCounts: { readonly nft: number; readonly legacy: number };
  /** What could not be read or is not walked, one line each. */
  readonly unread: readonly string[];
}

/** True for an address of the node. */
export function isLocalTo(networks: readonly string[]): (ip: string) => boolean {
  return (ip) => networks.some((network) => isInNetwork(ip, network) === true);
}
