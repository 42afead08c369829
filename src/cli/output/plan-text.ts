/** Owns plans for people: what would change, the shares afterwards, and what it takes away. Pure. */
import { formatAddress } from '../../model/address.ts';
import { formatShare, sharesOf } from '../../model/share.ts';
import { losses } from '../../plan/guard.ts';
import type { Plan } from '../../plan/plan.ts';
import type { SummaryLine } from '../../plan/summary-line.ts';
import { summaryLines } from '../../plan/summary.ts';
import type { Paint } from '../palette.ts';

const PAINT_OF: Readonly<Record<SummaryLine['sign'], Paint>> = { '+': 'good', '-': 'bad', '~': 'warn' };

/** Instances that a line of shares names; the rest is counted. */
const MAX_SHARES = 10;

/** `10.0.1.11:8080 25%, 10.0.1.12:8080 75%`; the first ten. */
export function shareText(shares: readonly { readonly address: string; readonly share: number }[]): string {
  const shown = shares.slice(0, MAX_SHARES).map(({ address, share }) => `${address} ${formatShare(share)}`);
  if (shares.length > shown.length) shown.push(`and ${shares.length - shown.length} more`);
  return shown.length === 0 ? 'no instances' : shown.join(', ');
}

function sharesAfter({ after }: Plan): string {
  const shares = sharesOf(after);
  return shareText(
    after.map((instance, index) => ({ address: formatAddress(instance), share: shares[index] ?? 0 })),
  );
}

/** Verbs of a plan that has not happened. */
const WOULD: Readonly<Record<Plan['outcome'], string>> = {
  created: 'would be created',
  updated: 'would be updated',
  unchanged: 'is unchanged',
  deleted: 'would be deleted',
};

/** A plan for people, several lines, newline included. */
export function planText(plan: Plan, paint: (text: string, as: Paint) => string): string {
  const head = `service/${plan.service} ${WOULD[plan.outcome]}\n`;
  const lines = summaryLines(plan).map(
    ({ sign, subject, detail }) =>
      `  ${paint(sign, PAINT_OF[sign])} ${subject}${detail === '' ? '' : ` ${detail}`}\n`,
  );
  const isLeft = plan.outcome === 'created' || plan.outcome === 'updated';
  const after = isLeft ? [`  shares then: ${sharesAfter(plan)}\n`] : [];
  const taken =
    plan.narrowing.length === 0 ? [] : [`  needs consent: it would ${losses(plan).join(' and ')}\n`];
  return [head, ...lines, ...after, ...taken].join('');
}
