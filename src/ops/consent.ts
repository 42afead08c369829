/** Owns whether a plan takes away more than was consented to. Pure. */
import { formatEntry } from '../model/entry.ts';
import type { Plan } from '../plan/plan.ts';

/** Everything that a plan takes away, one word each. */
function losses(plan: Plan): readonly string[] {
  return plan.narrowing.flatMap((narrowing): readonly string[] => {
    if (narrowing.kind === 'removes-instances') return narrowing.ids.map((id) => `instance ${id}`);
    if (narrowing.kind === 'moves-entries') {
      return narrowing.entries.map((entry) => `entry ${formatEntry(entry)}`);
    }
    if (narrowing.kind === 'drains-instances') return narrowing.ids.map((id) => `drained ${id}`);
    if (narrowing.kind === 'fewer-replicas') return [`down to ${narrowing.to}`];
    if (narrowing.kind === 'changes-origin') return [`becomes ${narrowing.to}`];
    // Consent to a deletion is consent to losing the instances it had then, not to others.
    return ['service', ...plan.changes.flatMap(removedId)];
  });
}

function removedId(change: Plan['changes'][number]): readonly string[] {
  return change.kind === 'remove-instance' ? [`instance ${change.before.value.id}`] : [];
}

/** True if `plan` takes away something that `consented` did not. */
export function takesMore(plan: Plan, consented: Plan): boolean {
  const known = new Set(losses(consented));
  return losses(plan).some((loss) => !known.has(loss));
}
