/**
 * Owns who answers by ARP and ND for the addresses of announced entries: which node is to take an address that nobody holds, and what one
 * node has to do, as pure data. A claim in the store decides while there is a store; without it nothing changes.
 */
import { isInNetwork } from '../model/network.ts';
import { rankFor } from '../model/rendezvous.ts';

/**
 * How a node answers for an address: `held` under a claim of its own; `kept` without one, since nobody is known to have taken it over: then
 * it answers those who ask, announces nothing, and yields to whoever announces.
 */
export type AnswerMode = 'held' | 'kept';

/** A claim as one node sees it. */
export interface Claim {
  readonly node: string;
  /** Lease that it goes with. */
  readonly lease: string | undefined;
  readonly modRevision: number;
}

/** What is known of the fleet. */
export interface AnnounceFacts {
  /** Addresses of announced entries. */
  readonly announced: ReadonlySet<string>;
  readonly claims: ReadonlyMap<string, Claim>;
  /** Networks of each live node. */
  readonly networks: ReadonlyMap<string, readonly string[]>;
}

/** The node that plans. */
export interface AnnouncingNode {
  readonly name: string;
  /** True if it can answer for the address: it has a link in its network, and the means. */
  readonly canAnswer: (ip: string) => boolean;
  /** The lease it is alive under; undefined if that is lost. */
  readonly lease: string | undefined;
  /** Addresses it answers for now. */
  readonly answers: ReadonlyMap<string, AnswerMode>;
}

/** What the node is to do. */
export interface AnnouncePlan {
  readonly answers: ReadonlyMap<string, AnswerMode>;
  /** Addresses to claim, with the claim of this node's earlier life to replace, if there is one. `rank` 0 at once, others later, one after another. */
  readonly claims: ReadonlyMap<string, { readonly rank: number; readonly replaces: number }>;
  /** Claims of this node to give up: modification revision by address. */
  readonly releases: ReadonlyMap<string, number>;
}

/** Live nodes on the network of an address, the one that is to take it first: a node that comes or goes moves only what is its own. */
export function candidates(ip: string, networks: AnnounceFacts['networks']): readonly string[] {
  const near = [...networks].filter(([, list]) => list.some((network) => isInNetwork(ip, network) === true));
  return rankFor(
    ip,
    near.map(([node]) => node),
  );
}

/** How this node is to answer for an announced address that it can answer for. */
function modeFor(ip: string, claim: Claim | undefined, self: AnnouncingNode): AnswerMode | undefined {
  if (claim === undefined || claim.node === self.name) {
    if (claim !== undefined && self.lease !== undefined && claim.lease === self.lease) return 'held';
    return self.answers.has(ip) ? 'kept' : undefined;
  }
  return undefined;
}

/**
 * What one node is to do. Claims stay where they are as long as their holder lives: a node that comes takes nothing away, so that no
 * connection is moved without need.
 */
export function planAnnouncing(facts: AnnounceFacts, self: AnnouncingNode): AnnouncePlan {
  const answers = new Map<string, AnswerMode>();
  const claims = new Map<string, { readonly rank: number; readonly replaces: number }>();
  const releases = new Map<string, number>();
  for (const ip of facts.announced) {
    if (!self.canAnswer(ip)) continue;
    const claim = facts.claims.get(ip);
    const mode = modeFor(ip, claim, self);
    if (mode !== undefined) answers.set(ip, mode);
    if (mode === 'held' || self.lease === undefined || (claim !== undefined && claim.node !== self.name))
      continue;
    const place = candidates(ip, facts.networks).indexOf(self.name);
    const isFirst = mode === 'kept' || claim !== undefined;
    if (isFirst || place >= 0)
      claims.set(ip, { rank: isFirst ? 0 : place, replaces: claim?.modRevision ?? 0 });
  }
  for (const [ip, { node, modRevision }] of facts.claims)
    if (node === self.name && !(facts.announced.has(ip) && self.canAnswer(ip))) releases.set(ip, modRevision);
  return { answers, claims, releases };
}
