/** Owns waiting for a managed service's instances: progress while it lasts, one line at the end, and what is a failure of it. */
import { SluiceError } from '../errors.ts';
import { type InstancesOutcome, type InstancesProgress, waitInstances } from '../ops/wait-instances.ts';
import { DEFAULT_WAIT_MS } from './await-convergence.ts';
import { startProgress } from './progress.ts';
import { readDeps, type Session } from './session.ts';

const MAX_NAMED = 5;

/** `4 of 6 ready, web-7f3a crashloop (exit code 1); forwarded by 3/5 nodes`. */
function instancesText(now: Omit<InstancesProgress, 'seconds'>): string {
  const named = now.laggards
    .slice(0, MAX_NAMED)
    .map(({ id, state, why }) => `, ${id} ${state}${why === undefined ? '' : ` (${why})`}`);
  const more = now.laggards.length - named.length;
  const surplus = now.surplus > 0 ? `, ${now.surplus} more to go` : '';
  const rest = more > 0 ? `, and ${more} more` : '';
  return `${now.ready} of ${now.wanted} ready${named.join('')}${rest}${surplus}; forwarded by ${now.applied}/${now.nodes} nodes`;
}

/** Waits until the instances are as they shall be, or the time is over. @throws SluiceError `interrupted`, `unavailable` */
export async function awaitInstances(session: Session, service: string): Promise<InstancesOutcome> {
  const progress = await startProgress(session, `waiting for the instances of ${service}`);
  try {
    return await waitInstances(await readDeps(session), service, {
      timeoutMs: session.settings.timeoutMs ?? DEFAULT_WAIT_MS,
      signal: session.signal,
      onProgress: (now) => {
        const leader = now.leader === undefined ? '; no monitor leads' : '';
        progress.update(`${instancesText(now)}${leader}, ${now.seconds.toFixed(1)}s`);
      },
    });
  } finally {
    progress.stop();
  }
}

/**
 * Says how the wait ended; gives the failure that it is, if it is one.
 * @param wanted.asked true if --wait was given: then no leader is a failure
 */
export function instancesProblem(
  session: Session,
  outcome: InstancesOutcome,
  wanted: { readonly service: string; readonly asked: boolean },
): SluiceError | undefined {
  const { service, asked } = wanted;
  const again = `sluice wait ${service} --for healthy`;
  const now = instancesText(outcome);
  const details = { service, ...outcome };
  switch (outcome.outcome) {
    case 'ready':
      session.notes.info(`${now} after ${outcome.seconds.toFixed(1)}s`);
      return undefined;
    case 'gone':
      return new SluiceError('conflict', `service '${service}' was deleted or changed while waiting`, {
        why: 'it is not there any more, or sluice does not start its instances any more',
        fix: 'sluice list services shows what there is',
        details,
      });
    case 'no-leader': {
      const what = 'no monitor leads, so no instance is started or stopped yet';
      if (!asked) {
        session.notes.info(`${what} (${now}): start sluice monitor on the nodes`);
        return undefined;
      }
      return new SluiceError('unhealthy', what, {
        why: `--wait was given; what is written stands; ${now}`,
        fix: `start sluice monitor on the nodes, then ${again}`,
        details,
      });
    }
    case 'timeout':
      return new SluiceError('timeout', `not there after ${outcome.seconds.toFixed(1)}s: ${now}`, {
        why: outcome.leader === undefined ? 'no monitor leads' : `node/${outcome.leader} leads`,
        fix: `what is written stands; sluice describe ${service} shows why; go on with: ${again}`,
        details,
      });
  }
  return outcome.outcome satisfies never;
}
