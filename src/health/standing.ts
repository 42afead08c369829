/** Owns what the evidence says of one node or instance: whether it answers, is out of reach, lost, or proven to be gone. Pure. */
import type { HealthView, InstanceEvidence, NodeEvidence, Probe } from './evidence.ts';

/** What was heard longer ago says nothing of now: two beats of the probes and their timeout. */
const FRESH_MS = 5_000;
/** One failure is a lost packet. */
const FAILURES = 2;
/** Nor is it out of reach before nobody has had an answer for so long: with every fifth packet lost that is one chance in 100,000. */
const UNANSWERED_MS = 2_000;
/** So many others must agree, or all that probe if there are fewer. */
const AGREE = 2;
/** A node silent for so long is lost: its agent had time for a restart, its machine for none. */
export const LOST_AFTER_MS = 60_000;
/** With fewer nodes than this nobody can tell a dead one from a cut: silence alone is not enough. */
const FEW_NODES = 3;

const fresh = (probes: readonly Probe[], nowMs: number): readonly Probe[] =>
  probes.filter(({ atMs }) => atMs <= nowMs && nowMs - atMs <= FRESH_MS);

/** True if somebody had an answer from it a moment ago. */
function answers(probes: readonly Probe[], nowMs: number): boolean {
  return fresh(probes, nowMs).some(
    ({ failures, failingSinceMs = nowMs }) => failures === 0 || nowMs - failingSinceMs < UNANSWERED_MS,
  );
}

/**
 * Since when it has been out of reach: several others failed several times in a row, and nobody had an answer. Undefined if that cannot be said.
 */
function unreachableSince(probes: readonly Probe[], nowMs: number): number | undefined {
  const heard = fresh(probes, nowMs);
  const failing = heard.filter(({ failures }) => failures >= FAILURES);
  const needed = Math.min(AGREE, new Set(heard.map(({ by }) => by)).size);
  const isAgreed = new Set(failing.map(({ by }) => by)).size >= needed && failing.length > 0;
  if (!isAgreed || answers(probes, nowMs)) return undefined;
  return Math.max(...failing.map(({ failingSinceMs, atMs }) => failingSinceMs ?? atMs));
}

/** Since when the node has been out of reach of others, and has said nothing itself; undefined if that cannot be said. */
export function nodeAwaySince({ probes, heardMs }: NodeEvidence, nowMs: number): number | undefined {
  const since = unreachableSince(probes, nowMs);
  return since === undefined || (heardMs !== undefined && heardMs > since) ? undefined : since;
}

/** Since when the instance has been out of reach of others; its own node's word counts only where no other probes it. */
export function instanceAwaySince({ probes, node }: InstanceEvidence, nowMs: number): number | undefined {
  const others = probes.filter(({ by }) => by !== node);
  return unreachableSince(others.length > 0 ? others : probes, nowMs);
}

/** True if its machine says that it is gone, several times, and nobody had an answer from it. */
export function isProvenGone(probes: readonly Probe[], nowMs: number): boolean {
  const refused = fresh(probes, nowMs).some(
    ({ isRefused, failures }) => isRefused === true && failures >= FAILURES,
  );
  return refused && !answers(probes, nowMs);
}

/** True if the node is to be given up, were it the only one: silent for long, and nobody can reach it. */
function isLostNode(node: NodeEvidence, nowMs: number, isFew: boolean): boolean {
  const { silentSinceMs } = node;
  if (silentSinceMs === undefined || nowMs - silentSinceMs < LOST_AFTER_MS) return false;
  return isFew ? nodeAwaySince(node, nowMs) !== undefined : !answers(node.probes, nowMs);
}

/** Nodes to be given up if nothing stands against it. @param expected how many should be there */
export function lostNodes({ nodes, nowMs }: HealthView, expected: number): ReadonlySet<string> {
  const lost = nodes.filter((node) => isLostNode(node, nowMs, expected < FEW_NODES));
  return new Set(lost.map(({ name }) => name));
}

/**
 * True if the instance is to be given up: a registered one whose own lease is over and that does not answer, a managed one on a lost node. What
 * people listed is theirs.
 */
export function isLostInstance(
  { origin, node, silentSinceMs, probes }: InstanceEvidence,
  { nowMs, lost }: { readonly nowMs: number; readonly lost: ReadonlySet<string> },
): boolean {
  if (origin === 'static' || answers(probes, nowMs)) return false;
  if (origin === 'managed') return node !== undefined && lost.has(node);
  return silentSinceMs !== undefined && silentSinceMs <= nowMs;
}
