/** Owns the bodies of `drain` and `restore`. */
import { type ResultCode, SluiceError } from '../../errors.ts';
import type { DrainOrder } from '../../model/assignment.ts';
import { parseDuration } from '../../model/duration.ts';
import { parseReference, type Reference } from '../../model/reference.ts';
import { isServing } from '../../model/serving.ts';
import { changeNode, type NodeChange, planNodeChange } from '../../ops/change-node.ts';
import { changeService, planServiceChange, type ServiceChange } from '../../ops/change-service.ts';
import { waitFor } from '../../ops/wait-for.ts';
import { notConfirmed } from '../../plan/guard.ts';
import type { Plan } from '../../plan/plan.ts';
import { DEFAULT_WAIT_MS } from '../await-convergence.ts';
import { repeatedCommand } from '../command-line.ts';
import type { DrainOptions } from '../commands/drain.ts';
import { writeNodeResults } from '../finish-node.ts';
import { finishOne } from '../finish-write.ts';
import { startProgress } from '../progress.ts';
import { askYesNo, canAsk } from '../prompt.ts';
import { readDeps, type Session, writeDeps } from '../session.ts';
import { applyWords, writePlans } from '../write-plans.ts';

/** What was typed. */
export interface DrainWords {
  readonly verb: 'drain' | 'restore';
  readonly reference: string;
}

/** Longest drain. */
const MAX_DEADLINE_SECONDS = 86_400;

function orderOf(session: Session, options: DrainOptions): DrainOrder {
  const { actor, host, clock } = session.deps;
  const { deadline, onDeadline, reason } = options;
  const deadlineSeconds = deadline === undefined ? undefined : parseDuration(deadline, '--deadline') / 1_000;
  if (deadlineSeconds !== undefined && deadlineSeconds > MAX_DEADLINE_SECONDS) {
    throw new SluiceError('usage', `--deadline: ${deadline} is too long`, {
      why: 'connections are waited for at most a day',
      fix: 'write for example --deadline 10m',
    });
  }
  const by = `${actor}@${host}`;
  const force = options.force === true ? true : undefined;
  return { since: clock.now().toISOString(), by, reason, deadlineSeconds, onDeadline, force };
}

const WHAT = { drain: 'draining', restore: 'restoring' } as const;

/** Asks before the last instance that gets connections is drained: clients would be refused. */
function confirmFor(session: Session, options: DrainOptions): (plans: readonly Plan[]) => Promise<void> {
  return async ([plan]) => {
    const takesLast =
      plan !== undefined &&
      plan.changes.some((change) => change.kind === 'update-instance' && isServing(change.before.value)) &&
      !plan.after.some(isServing);
    if (!takesLast || options.yes === true) return;
    const because = 'no instance would get connections and clients would be refused';
    const canBeAsked = canAsk(session);
    const message = `draining the last ready instance of '${plan.service}': ${because}. Go on?`;
    if (canBeAsked && (await askYesNo(session, message))) return;
    const ids = plan.changes.flatMap((one) => (one.kind === 'update-instance' ? [one.after.id] : []));
    const told: Plan = {
      ...plan,
      narrowing: [{ kind: 'drains-instances', ids }],
    };
    throw notConfirmed(told, { doing: 'draining', because, flag: '--yes' }, canBeAsked);
  };
}

async function drainInstance(
  session: Session,
  {
    verb,
    reference,
  }: { readonly verb: DrainWords['verb']; readonly reference: Reference & { kind: 'instance' } },
  options: DrainOptions,
): Promise<ResultCode> {
  const { service, id } = reference;
  const request =
    verb === 'drain'
      ? ({ kind: 'drain', ids: [id], order: orderOf(session, options) } as const)
      : ({ kind: 'restore', ids: [id] } as const);
  const change: ServiceChange = { kind: 'drain', service, request };
  const { signal } = session;
  const { ifRevision, reason } = options;
  if (options.dryRun === true) {
    const plan = await planServiceChange(await readDeps(session), change, { ifRevision, signal });
    const words = { args: [`${service}/${id}`], extra: applyWords([plan], undefined) };
    return writePlans(session, [plan], repeatedCommand(session.command, verb, words));
  }
  const confirm = verb === 'drain' ? confirmFor(session, options) : undefined;
  const result = await changeService(await writeDeps(session), change, {
    ifRevision,
    reason,
    confirm,
    signal,
  });
  // Before another is ready nothing changes for connections: that is what whoever drains one waits for.
  const isReplaced = verb === 'drain' && result.plan.origin === 'managed' && options.force !== true;
  return finishOne(session, result, { ...options, instances: isReplaced });
}

/** Waits until nothing is left on a node. @throws SluiceError `timeout`, `interrupted`, `unavailable` */
async function awaitEmpty(session: Session, node: string): Promise<void> {
  const progress = await startProgress(session, `waiting for node/${node} to be empty`);
  const options = {
    condition: { kind: 'drained' },
    timeoutMs: session.settings.timeoutMs ?? DEFAULT_WAIT_MS,
    signal: session.signal,
    onProgress: (now: string) => progress.update(`node/${node}: ${now}`),
  } as const;
  const outcome = await waitFor(await readDeps(session), { kind: 'node', node }, options).finally(() =>
    progress.stop(),
  );
  const seconds = outcome.seconds.toFixed(1);
  if (outcome.met) {
    session.notes.info(`node/${node}: ${outcome.now} after ${seconds}s`);
    return;
  }
  throw new SluiceError('timeout', `node/${node} is not empty after ${seconds}s: ${outcome.now}`, {
    why: 'a replacement has to be ready before each instance is stopped, and its connections have to end',
    fix: `the order stands; go on with: sluice wait node/${node} --for drained`,
    details: { node, now: outcome.now },
  });
}

async function drainNode(
  session: Session,
  { verb, node }: { readonly verb: DrainWords['verb']; readonly node: string },
  options: DrainOptions,
): Promise<ResultCode> {
  const change: NodeChange =
    verb === 'drain' ? { kind: 'drain', order: orderOf(session, options) } : { kind: 'restore' };
  const { signal } = session;
  const { ifRevision, reason } = options;
  if (options.dryRun === true) {
    const { item: _item, ...planned } = await planNodeChange(
      await readDeps(session),
      { node, change },
      { ifRevision, signal },
    );
    await writeNodeResults(session, [planned], { dryRun: true });
    return 'ok';
  }
  const result = await changeNode(await writeDeps(session), { node, change }, { ifRevision, reason, signal });
  await writeNodeResults(session, [result]);
  if (verb === 'drain' && options.wait === true) await awaitEmpty(session, node);
  return 'ok';
}

/** Drains or restores an instance or a node, or shows what would happen. */
export async function drainBody(
  session: Session,
  { verb, reference: word }: DrainWords,
  options: DrainOptions,
): Promise<ResultCode> {
  const reference = parseReference(word);
  if (reference.kind === 'node') return drainNode(session, { verb, node: reference.node }, options);
  if (reference.kind === 'instance') return drainInstance(session, { verb, reference }, options);
  throw new SluiceError('usage', `${word} is a service: name one of its instances, or a node`, {
    why: `${WHAT[verb]} is for an instance or a node`,
    fix: `sluice list instances ${reference.service} -o name shows the instances`,
  });
}
