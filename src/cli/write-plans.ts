/** Owns showing plans, for `plan` and `--dry-run`: the changes, the base revision and the command that applies them. */
import type { ResultCode } from '../errors.ts';
import { planItem } from '../ops/change-json.ts';
import type { Plan } from '../plan/plan.ts';
import { type Listing, writeListing } from './output/listing.ts';
import { planText } from './output/plan-text.ts';
import type { Session } from './session.ts';

/**
 * Words to add to the command that applies plans: the consent that they need, and the revision that they were made from, so that
 * nothing else is applied than was shown. Several services cannot share one revision.
 * @param consent the flag that consents to what the plans take away
 */
export function applyWords(plans: readonly Plan[], consent: string | undefined): readonly string[] {
  const [first, ...others] = plans;
  const needsConsent = plans.some(({ narrowing }) => narrowing.length > 0);
  const revision =
    first === undefined || others.length > 0 || first.outcome === 'unchanged'
      ? []
      : ['--if-revision', String(first.outcome === 'created' ? 0 : first.baseRevision)];
  return [...(needsConsent && consent !== undefined ? [consent] : []), ...revision];
}

/** Writes plans to stdout. With `-q` and nothing to do nothing is written. */
export async function writePlans(
  session: Session,
  plans: readonly Plan[],
  applyCommand: string,
): Promise<ResultCode> {
  const changing = plans.filter(({ outcome }) => outcome !== 'unchanged');
  const { settings, outPalette } = session;
  if (settings.quiet && changing.length === 0) return 'ok';
  const revision = Math.max(0, ...plans.map(({ baseRevision }) => baseRevision));
  const listing: Listing<Plan> = {
    kind: 'PlanList',
    revision,
    items: plans,
    name: ({ service }) => `service/${service}`,
    json: (plan) => planItem(plan, applyCommand),
    columns: [],
    text: () =>
      [
        ...plans.map((plan) => planText(plan, (text, paint) => outPalette[paint](text))),
        `base revision ${revision}\n`,
        changing.length === 0 ? 'nothing to do\n' : `apply with: ${applyCommand}\n`,
      ].join(''),
  };
  await writeListing(session, listing);
  return 'ok';
}
