/**
 * Owns the body of `rebalance`: the lock, what is planned, the orders that make it happen, and the wait. A move is an order to drain the
 * instance: the leader starts another first and takes it away when that one is ready, also if this command is gone by then.
 */
import { type ResultCode, SluiceError } from '../../errors.ts';
import type { DrainOrder } from '../../model/assignment.ts';
import { type RebalancePlan, planRebalance, WATCH_MS, type WeightChange } from '../../monitor/rebalance.ts';
import { changeService } from '../../ops/change-service.ts';
import { type HeldLock, readLock, takeLock } from '../../ops/lock.ts';
import { serviceNotFound } from '../../ops/not-found.ts';
import { writeWeights } from '../../ops/write-weights.ts';
import { repeatedCommand } from '../command-line.ts';
import type { RebalanceOptions } from '../commands/rebalance.ts';
import { writeListing } from '../output/listing.ts';
import { startProgress } from '../progress.ts';
import { type Session, writeDeps } from '../session.ts';
import { finishRebalance } from './rebalance-finish.ts';
import {
  itemText,
  leftAloneItems,
  moveItem,
  type RebalanceItem,
  rebalanceListing,
  weightsItem,
} from './rebalance-listing.ts';
import { rebalanceRequest } from './rebalance-request.ts';

const SCOPE = 'rebalance';

type Move = RebalancePlan['moves'][number];

/** Everything of one run. */
interface Run {
  readonly session: Session;
  readonly words: readonly string[];
  readonly options: RebalanceOptions;
}

/** Waits a random part of `--splay`, so that the crons of a fleet do not all begin at once. */
async function splay({ session, options }: Run): Promise<void> {
  const { clock, random } = session.deps;
  await clock.sleep(random() * (options.splay ?? 0), session.signal);
  if (session.signal.aborted) throw new SluiceError('interrupted', 'stopped before anything was looked at');
}

/** Looks and plans. @throws SluiceError `not-found`, `interrupted`, `unavailable`, `permission` */
async function planned({ session, words, options }: Run): Promise<RebalancePlan> {
  const { deps, signal } = session;
  const request = rebalanceRequest(words, options);
  const store = await session.store();
  const names = [...(request.services ?? [])];
  const found = await Promise.all(
    names.map(async (name) => (await store.get(`service/${name}`, { signal })).item),
  );
  const missing = names.filter((_, index) => found[index] === undefined);
  if (missing.length > 0) throw await serviceNotFound(store, missing, { signal });
  const progress = await startProgress(session, `watching the load for ${Math.round(WATCH_MS / 1_000)} s`);
  const { clock, random } = deps;
  const plan = await planRebalance(
    { store, clock, random, signal },
    { ...request, watchMs: WATCH_MS },
  ).finally(progress.stop);
  if (signal.aborted) throw new SluiceError('interrupted', 'stopped before anything was changed');
  return plan;
}

/** Says who decides, where that limits what is planned. */
function sayLeader({ session }: Run, { leader }: RebalancePlan): void {
  if (leader === undefined) session.notes.info('no monitor leads: nothing is moved');
  else if (leader.mode === 'recommend')
    session.notes.info(`node/${leader.node} leads and only recommends: nothing is moved`);
  else session.notes.detail(`node/${leader.node} leads and sets weights by itself`);
}

/** What was written since it was planned by others is left alone. */
const isOvertaken = (error: unknown): boolean =>
  error instanceof SluiceError && (error.code === 'conflict' || error.code === 'not-found');

/** Orders one move. */
async function order({ session, options }: Run, plan: RebalancePlan, move: Move): Promise<RebalanceItem> {
  const { actor, host, clock } = session.deps;
  const because = `rebalance: ${move.why}`;
  const drain: DrainOrder = { since: clock.now().toISOString(), by: `${actor}@${host}`, reason: because };
  const request = { kind: 'drain', ids: [move.id], order: drain } as const;
  const item = moveItem(move);
  try {
    const { revision } = await changeService(
      await writeDeps(session),
      { kind: 'drain', service: move.service, request },
      {
        ifRevision: options.ifRevision ?? plan.revision,
        reason: options.reason ?? because,
        signal: session.signal,
      },
    );
    return { ...item, outcome: 'written', revision };
  } catch (error) {
    if (options.ifRevision !== undefined || !isOvertaken(error)) throw error;
    return { ...item, outcome: 'skipped', why: 'it was changed meanwhile' };
  }
}

/** Writes the weights of one service. */
async function weigh({ session, options }: Run, change: WeightChange): Promise<RebalanceItem> {
  const { service, action, basis } = change;
  const at = (kind: 'service' | 'weights'): number =>
    basis.find((one) => one.kind === kind)?.modRevision ?? 0;
  const { weights, raw } = action;
  const revision = await writeWeights(await writeDeps(session), {
    service,
    weights,
    raw,
    basis: { service: at('service'), weights: at('weights') },
    reason: options.reason ?? `rebalance: ${weights?.why ?? action.what}`,
  });
  const item = weightsItem(change);
  if (revision !== undefined) return { ...item, outcome: 'written', revision };
  return { ...item, outcome: 'skipped', why: 'it was changed meanwhile' };
}

/** Writes everything that is planned, one service after another; what an error ends is told with what was written until then. */
async function writeAll(
  run: Run,
  plan: RebalancePlan,
  lock: HeldLock,
): Promise<{ readonly items: readonly RebalanceItem[]; readonly error: unknown }> {
  const items: RebalanceItem[] = [];
  const steps = [
    ...plan.weights.map((change) => async () => weigh(run, change)),
    ...plan.moves.map((move) => async () => order(run, plan, move)),
  ];
  try {
    for (const step of steps) {
      if (lock.lost.aborted)
        throw new SluiceError('unavailable', 'the lock was lost, so nothing more is written', {
          why: 'the store could not be reached for some seconds',
          fix: 'run the same command again',
        });
      items.push(await step());
    }
    return { items, error: undefined };
  } catch (error) {
    return { items, error };
  }
}

async function dryRun(run: Run): Promise<ResultCode> {
  const { session, words, options } = run;
  const plan = await planned(run);
  const holder = await readLock(await session.store(), SCOPE, session.signal);
  if (holder !== undefined) session.notes.info(`${holder.actor} on ${holder.host} rebalances now`);
  sayLeader(run, plan);
  const items = [...plan.weights.map(weightsItem), ...plan.moves.map(moveItem)];
  const leftAlone = leftAloneItems(plan);
  for (const item of leftAlone) session.notes.info(itemText(item));
  if (session.settings.quiet && items.length === 0) return 'ok';
  const again = repeatedCommand(session.command, 'rebalance', {
    args: words,
    extra: options.all === true ? ['--all'] : [],
  });
  const end = items.length === 0 ? 'nothing to do' : `apply with: ${again}`;
  await writeListing(
    session,
    rebalanceListing(plan, [...items, ...leftAlone], [`base revision ${plan.revision}`, end]),
  );
  return 'ok';
}

/** Plans and writes while the lock is held, and waits. */
async function rebalance(run: Run, lock: HeldLock): Promise<ResultCode> {
  const { session, options } = run;
  const plan = await planned(run);
  sayLeader(run, plan);
  const leftAlone = leftAloneItems(plan);
  for (const item of leftAlone) session.notes.detail(itemText(item));
  const { items, error } = await writeAll(run, plan, lock);
  return finishRebalance(session, options, { plan, items, leftAlone, error });
}

/** Rebalances once, or shows what it would do. */
export async function rebalanceBody(
  session: Session,
  words: readonly string[],
  options: RebalanceOptions,
): Promise<ResultCode> {
  const run: Run = { session, words, options };
  // What was typed wrong is said before any wait.
  rebalanceRequest(words, options);
  await splay(run);
  if (options.dryRun === true) return dryRun(run);
  const { deps, signal } = session;
  const waitMs = options.lockTimeout ?? 0;
  let lock: HeldLock;
  try {
    lock = await takeLock(await writeDeps(session), { scope: SCOPE, pid: deps.pid, waitMs, signal });
  } catch (error) {
    if (!(options.skipIfLocked === true && error instanceof SluiceError && error.code === 'locked'))
      throw error;
    session.notes.info(`skipped: ${error.message}, ${error.why ?? ''}`);
    return 'ok';
  }
  try {
    return await rebalance(run, lock);
  } finally {
    await lock.release();
  }
}
