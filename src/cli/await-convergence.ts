/** Owns waiting for the live agents after a write: progress while it lasts, one line at the end, and what is a failure of it. */
import { SluiceError } from '../errors.ts';
import { type Convergence, waitConverged } from '../ops/converge.ts';
import { startProgress } from './progress.ts';
import { readDeps, type Session } from './session.ts';

/** How long a command waits for the nodes where --timeout does not say it. */
export const DEFAULT_WAIT_MS = 30_000;

const seconds = (value: number): string => `${value.toFixed(1)}s`;

function pendingText(convergence: Omit<Convergence, 'outcome'>): string {
  const shown = convergence.pending
    .slice(0, 5)
    .map(({ node, appliedRevision }) => `node/${node} is at ${appliedRevision ?? 'nothing'}`);
  const rest = convergence.pending.length - shown.length;
  return [...shown, ...(rest > 0 ? [`${rest} more`] : [])].join(', ');
}

/** Waits until every live agent has applied the revision, or the time is over. @throws SluiceError `interrupted`, `unavailable` */
export async function awaitConvergence(session: Session, revision: number): Promise<Convergence> {
  const progress = await startProgress(session, `waiting for the nodes to apply revision ${revision}`);
  try {
    return await waitConverged(await readDeps(session), revision, {
      timeoutMs: session.settings.timeoutMs ?? DEFAULT_WAIT_MS,
      signal: session.signal,
      onProgress: (now) =>
        progress.update(`applied on ${now.applied}/${now.nodes} nodes, ${seconds(now.seconds)}`),
    });
  } finally {
    progress.stop();
  }
}

/**
 * Says how the wait ended; gives the failure that it is, if it is one.
 * @param wanted.again how to go on waiting
 * @param wanted.asked true if --wait was given: then no live agent is a failure
 */
export function convergenceProblem(
  session: Session,
  convergence: Convergence,
  wanted: { readonly again: string; readonly asked: boolean },
): SluiceError | undefined {
  const { revision, nodes, applied, failed } = convergence;
  const details = { revision, nodes, applied, pending: convergence.pending, failed };
  const { again } = wanted;
  switch (convergence.outcome) {
    case 'converged':
      session.notes.info(`converged on ${applied}/${nodes} nodes in ${seconds(convergence.seconds)}`);
      return undefined;
    case 'no-agents': {
      const what = 'there is no live agent, so no node forwards yet';
      if (!wanted.asked) {
        session.notes.info(`${what}: start sluice agent on the nodes`);
        return undefined;
      }
      return new SluiceError('unhealthy', what, {
        why: `--wait was given; revision ${revision} is written and stands`,
        fix: `start sluice agent on the nodes, then ${again}`,
        details,
      });
    }
    case 'failed':
      return new SluiceError(
        'failed',
        `${failed.length} of ${nodes} nodes could not apply revision ${revision}`,
        {
          why: failed.map(({ node, failures }) => `node/${node}: ${failures.join(', ')}`).join('; '),
          fix: `what is written stands; sluice describe node/${failed[0]?.node ?? 'NAME'} shows the node`,
          details,
        },
      );
    case 'timeout':
      return new SluiceError(
        'timeout',
        `applied on ${applied} of ${nodes} nodes only after ${seconds(convergence.seconds)}`,
        {
          why:
            pendingText(convergence) || failed.map(({ node }) => `node/${node} reports failures`).join(', '),
          fix: `revision ${revision} is written and stands; go on with: ${again}`,
          details,
        },
      );
  }
  return convergence.outcome satisfies never;
}
