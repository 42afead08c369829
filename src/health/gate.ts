/**
 * Owns self-preservation: when much falls silent at once, the store, a link or whoever judges is the likelier fault, and nothing follows from it.
 * The gate is computed anew from what is there now; it has no memory, so it opens when what it waits for happens. Pure.
 */
import type { Gate, GateReason, HealthView } from './evidence.ts';
import { expectedNodes, fellTogether, silentNodes } from './expectation.ts';

/** After it had lost the store, whoever judges believes no silence for so long. */
const DISTRUST_MS = 30_000;
/** So many nodes at least, and this share of those expected, are too many at once (notes on reliability: Kubernetes 55 %, Nomad's long TTL). */
const NODES = { least: 2, share: 0.35 };
/** Names that are told; the rest is counted. */
const NAMED = 5;

function named(names: readonly string[]): string {
  const more = names.length - NAMED;
  return `${names.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function storeReason({ storeBackMs, nowMs }: HealthView): readonly GateReason[] {
  if (storeBackMs === undefined || nowMs - storeBackMs >= DISTRUST_MS) return [];
  return [
    {
      why: 'the leader itself had lost the store a moment ago',
      ends: `${DISTRUST_MS / 1_000} s of following the store without a gap`,
    },
  ];
}

/** Others that ask a silent node for signs of life can find out that it is gone; without them people must say it. */
const CONFIRMED = ', or out of reach of all others for 10 minutes';

function nodesReason(view: HealthView): readonly GateReason[] {
  const expected = expectedNodes(view).length;
  const tooMany = Math.max(NODES.least, Math.ceil(NODES.share * expected));
  const together = fellTogether(silentNodes(view), tooMany);
  if (together.length === 0) return [];
  const isAsked = view.nodes.some(({ answers, awaySinceMs }) => answers || awaySinceMs !== undefined);
  return [
    {
      why: `${together.length} of ${expected} nodes fell silent together (${named(together)}): ${tooMany} are too many to believe`,
      ends: `fewer than ${tooMany} of them silent; or those that are gone for good cordoned or drained${isAsked ? CONFIRMED : ''}`,
    },
  ];
}

/** Whether anything may follow from silence now, and if not, why and what ends that. */
export function gateOf(view: HealthView): Gate {
  const reasons = [...storeReason(view), ...nodesReason(view)];
  return reasons.length === 0 ? { kind: 'open' } : { kind: 'closed', reasons };
}
