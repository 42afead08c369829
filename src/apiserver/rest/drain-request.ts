/** Owns an order to drain as it comes over HTTP: who asked, and from where. Pure. */
import type * as v from 'valibot';
import type { DrainOrder } from '../../model/assignment.ts';
import type { WriteDeps } from '../../ops/deps.ts';
import type { drainBody } from './fields.ts';

/** The order of a body. */
export function orderOf(
  { clock, origin }: WriteDeps,
  { deadlineSeconds, onDeadline, force }: v.InferOutput<typeof drainBody>,
  reason: string | undefined,
): DrainOrder {
  const by = `${origin.actor}@${origin.host}`;
  const isForced = force === true ? true : undefined;
  return { since: clock.now().toISOString(), by, reason, deadlineSeconds, onDeadline, force: isForced };
}
