/** Owns what follows the writes of a rebalance: the result, the bounded wait for the nodes, and with --wait that for the instances. */
import type { ResultCode } from '../../errors.ts';
import type { RebalancePlan } from '../../monitor/rebalance.ts';
import { awaitConvergence, convergenceProblem } from '../await-convergence.ts';
import { awaitInstances, instancesProblem } from '../await-instances.ts';
import type { MutationOptions } from '../options.ts';
import { writeListing } from '../output/listing.ts';
import type { Session } from '../session.ts';
import { type RebalanceItem, rebalanceListing } from './rebalance-listing.ts';

/** What was done. */
export interface Rebalanced {
  readonly plan: RebalancePlan;
  readonly items: readonly RebalanceItem[];
  readonly leftAlone: readonly RebalanceItem[];
  /** What ended it early. */
  readonly error: unknown;
}

/** Waits until live agents have applied what was written, and with --wait until moved instances are replaced. @throws SluiceError what it found */
async function awaitWritten(
  session: Session,
  items: readonly RebalanceItem[],
  asked: boolean,
): Promise<void> {
  const revision = Math.max(...items.map((item) => item.revision ?? 0));
  const convergence = await awaitConvergence(session, revision);
  const problem = convergenceProblem(session, convergence, { again: 'sluice status', asked });
  if (problem !== undefined) throw problem;
  if (!asked) return;
  for (const { service } of items.filter(({ kind }) => kind === 'move')) {
    const unmet = instancesProblem(session, await awaitInstances(session, service), { service, asked });
    if (unmet !== undefined) throw unmet;
  }
}

/** Shows what was written and waits. @throws what ended the writes early, else what the wait found */
export async function finishRebalance(
  session: Session,
  options: MutationOptions,
  { plan, items, leftAlone, error }: Rebalanced,
): Promise<ResultCode> {
  const { quiet, output } = session.settings;
  const written = items.filter(({ outcome }) => outcome === 'written');
  const isTold = items.length > 0 || (!quiet && output !== 'table' && output !== 'wide');
  if (isTold) await writeListing(session, rebalanceListing(plan, [...items, ...leftAlone], []));
  else session.notes.info('nothing to do');
  if (error !== undefined) throw error;
  if (written.length > 0 && options.wait !== false)
    await awaitWritten(session, written, options.wait === true);
  return 'ok';
}
