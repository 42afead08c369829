/** Owns `sluice wait`: until a condition of a thing holds. */
import { SluiceError } from '../errors.ts';
import { formatReference, type Reference } from '../model/reference.ts';
import type { Instance } from '../model/service.ts';
import { isServing } from '../model/serving.ts';
import {
  appliedKey,
  GENERATION_KEY,
  instanceKey,
  instancesOf,
  nodeAliveKey,
  nodeKey,
  serviceKey,
} from '../store/keys.ts';
import { snapshotOf } from '../store/snapshot.ts';
import type { KeyRange, KeyValue } from '../store/store.ts';
import { keyRange, nodesOf } from './cluster-read.ts';
import { type Convergence, waitConverged } from './converge.ts';
import type { ReadDeps } from './deps.ts';
import { follow } from './follow.ts';
import { lastRevisionOf, readServiceState } from './service-state.ts';
import { drainRanges, judgeDrained } from './wait-drained.ts';
import { isLeaving, readyNow } from './wait-instances.ts';

/** What to wait for. */
export type WaitCondition =
  /** Every live agent has applied the thing's last change; for a node: that node. */
  | { readonly kind: 'converged' }
  /**
   * The service has at least one ready instance and all its instances are ready, a managed one as many as it shall have, of its present
   * template; the instance is ready; the node is alive without failures.
   */
  | { readonly kind: 'healthy' }
  /** The service has exactly this many ready instances. */
  | { readonly kind: 'instances'; readonly count: number }
  /**
   * No node sends new connections to the instance, and one that sluice started has ended or is gone; of a node: nothing that sluice
   * started is left there.
   */
  | { readonly kind: 'drained' };

/** How a wait ended. */
export interface WaitOutcome {
  readonly met: boolean;
  /** What is the case now, one line, e.g. '2 of 3 instances ready'. */
  readonly now: string;
  readonly seconds: number;
  readonly revision: number;
  /** For `converged` of a service or an instance. */
  readonly convergence: Convergence | undefined;
}

/** Bounds of the wait. */
export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called at the start and whenever `now` changes. */
  readonly onProgress?: ((now: string) => void) | undefined;
}

/** What is the case, and whether that is what is waited for. */
interface Judgement {
  readonly met: boolean;
  readonly now: string;
}

type Items = ReadonlyMap<string, KeyValue>;

function missing(reference: Reference): SluiceError {
  return new SluiceError('not-found', `${formatReference(reference)} does not exist`, {
    why: 'there is nothing to wait for',
    fix: 'sluice list shows what there is',
    details: { reference: formatReference(reference) },
  });
}

function judgeService(
  items: Items,
  reference: Reference & { kind: 'service' },
  condition: WaitCondition,
): Judgement {
  const { snapshot } = snapshotOf([...items.values()], 0);
  const service = snapshot.services.get(reference.service)?.value;
  if (service === undefined) throw missing(reference);
  const instances = (snapshot.instances.get(reference.service) ?? []).map(({ value }) => value);
  const serving = instances.filter(isServing).length;
  const now = `${serving} of ${instances.length} instances ready`;
  if (condition.kind === 'instances') return { met: serving === condition.count, now };
  const coming = instances.filter((one) => !isLeaving(one) && one.state !== 'ready');
  const { replicas } = service;
  if (replicas === undefined) return { met: serving > 0 && coming.length === 0, now };
  const ready = readyNow(service, instances);
  const met = ready >= replicas && coming.length === 0;
  return { met, now: `${ready} of ${replicas} instances ready${troubleOf(coming)}` };
}

/** Why instances are not ready: ', web-1 crashloop (exit code 1)'. */
function troubleOf(coming: readonly Instance[]): string {
  return coming
    .filter(({ why }) => why !== undefined)
    .slice(0, 3)
    .map(({ id, state, why }) => `, ${id} ${state} (${why ?? ''})`)
    .join('');
}

function judgeInstance(items: Items, reference: Reference & { kind: 'instance' }): Judgement {
  const { snapshot } = snapshotOf([...items.values()], 0);
  const found = snapshot.instances.get(reference.service)?.find(({ value }) => value.id === reference.id);
  if (found === undefined) throw missing(reference);
  return { met: found.value.state === 'ready', now: found.value.state };
}

function judgeNode(
  items: Items,
  reference: Reference & { kind: 'node' },
  condition: WaitCondition,
): Judgement {
  const { nodes } = nodesOf([...items.values()]);
  if (!nodes.names.includes(reference.node)) throw missing(reference);
  const applied = nodes.applied.get(reference.node);
  if (!nodes.alive.has(reference.node)) return { met: false, now: 'silent' };
  if (applied === undefined) return { met: false, now: 'alive, nothing applied yet' };
  if (applied.failures.length > 0) return { met: false, now: `failing: ${applied.failures.join('; ')}` };
  const wanted = condition.kind === 'converged' ? (items.get(GENERATION_KEY)?.modRevision ?? 0) : 0;
  const now = `applied ${applied.revision}`;
  return applied.revision >= wanted ? { met: true, now } : { met: false, now: `${now} of ${wanted}` };
}

/** The keys that a reference's condition depends on. */
function rangesOf(reference: Reference): readonly KeyRange[] {
  if (reference.kind === 'service') {
    return [keyRange(serviceKey(reference.service)), instancesOf(reference.service)];
  }
  if (reference.kind === 'instance') return [keyRange(instanceKey(reference.service, reference.id))];
  const { node } = reference;
  return [nodeKey(node), nodeAliveKey(node), appliedKey(node), GENERATION_KEY].map(keyRange);
}

function judge(items: Items, reference: Reference, condition: WaitCondition): Judgement {
  if (condition.kind === 'drained' && reference.kind !== 'service') return judgeDrained(items, reference);
  if (reference.kind === 'service') return judgeService(items, reference, condition);
  return reference.kind === 'instance'
    ? judgeInstance(items, reference)
    : judgeNode(items, reference, condition);
}

const progressText = ({ revision, applied, nodes }: Omit<Convergence, 'outcome'>): string =>
  `revision ${revision} on ${applied}/${nodes} nodes`;

/** Convergence of a service or of an instance's service: of its last change before the wait. */
async function waitServiceConverged(
  deps: ReadDeps,
  reference: Exclude<Reference, { kind: 'node' }>,
  options: WaitOptions,
): Promise<WaitOutcome> {
  const state = await readServiceState(deps.store, reference.service, { signal: options.signal });
  if (state.modRevision === 0) throw missing(reference);
  const ids = state.stored?.instances.map(({ value }) => value.id) ?? [];
  if (reference.kind === 'instance' && !ids.includes(reference.id)) throw missing(reference);
  const convergence = await waitConverged(deps, lastRevisionOf(state), {
    timeoutMs: options.timeoutMs,
    signal: options.signal,
    onProgress: (now) => options.onProgress?.(progressText(now)),
  });
  const { revision, seconds, outcome } = convergence;
  const now = outcome === 'no-agents' ? 'no agent is alive' : progressText(convergence);
  return { met: outcome === 'converged', now, seconds, revision, convergence };
}

/**
 * Waits for a condition. A passed deadline is an outcome (`met` false), not an error.
 * @throws SluiceError `not-found` (the thing is not there at the start, or goes away), `usage` (a condition that does not fit the
 *   reference), `interrupted`, `unavailable` (at the start)
 */
export async function waitFor(
  deps: ReadDeps,
  reference: Reference,
  options: WaitOptions & { readonly condition: WaitCondition },
): Promise<WaitOutcome> {
  const { condition } = options;
  if (condition.kind === 'instances' && reference.kind !== 'service') {
    throw new SluiceError('usage', `${formatReference(reference)} has no number of instances`, {
      why: '--for instances=N is for a service',
      fix: 'name a service, or wait --for healthy',
    });
  }
  if (condition.kind === 'drained' && reference.kind === 'service') {
    throw new SluiceError('usage', `${formatReference(reference)} cannot be drained as a whole`, {
      why: '--for drained is for an instance or a node',
      fix: `name an instance (sluice list instances ${reference.service}), or a node`,
    });
  }
  if (condition.kind === 'converged' && reference.kind !== 'node') {
    return waitServiceConverged(deps, reference, options);
  }
  const startMs = deps.clock.monotonicMs();
  let last: Judgement & { readonly revision: number } = { met: false, now: '', revision: 0 };
  await follow(deps, {
    ranges: condition.kind === 'drained' ? drainRanges(reference) : rangesOf(reference),
    timeoutMs: options.timeoutMs,
    signal: options.signal,
    isDone: (items, revision) => {
      const found = { ...judge(items, reference, condition), revision };
      if (found.now !== last.now) options.onProgress?.(found.now);
      last = found;
      return found.met;
    },
  });
  return { ...last, seconds: (deps.clock.monotonicMs() - startMs) / 1_000, convergence: undefined };
}
