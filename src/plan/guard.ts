/** Owns the words for what a plan takes away, and the refusal when nobody consented to it. Pure. */
import { SluiceError } from '../errors.ts';
import { formatEntry } from '../model/entry.ts';
import type { Narrowing, Plan } from './plan.ts';

/** Instances that a message names; the rest is counted. */
const MAX_NAMED = 5;

/** The act that needs consent, in the words of its command. */
export interface ConsentWords {
  /** e.g. `publishing` */
  readonly doing: string;
  /** e.g. `--instance is the full set` */
  readonly because: string;
  /** The flag that consents, e.g. `--replace`. */
  readonly flag: string;
}

function clause(narrowing: Narrowing): string {
  if (narrowing.kind === 'deletes-service') return 'delete it';
  if (narrowing.kind === 'removes-instances') {
    return `remove ${narrowing.ids.length} of ${narrowing.of} ${narrowing.of === 1 ? 'instance' : 'instances'}`;
  }
  if (narrowing.kind === 'drains-instances') {
    return `leave no instance that gets connections (${listed(narrowing.ids)} is the last)`;
  }
  if (narrowing.kind === 'fewer-replicas') {
    const { from, to } = narrowing;
    return `stop ${from - to} of ${from} ${from === 1 ? 'instance' : 'instances'}`;
  }
  if (narrowing.kind === 'changes-origin') {
    return narrowing.to === 'managed'
      ? 'start instances in place of those that are listed'
      : 'stop the instances that sluice started';
  }
  const { entries } = narrowing;
  return `take away ${entries.length === 1 ? 'entry' : 'entries'} ${listed(entries.map(formatEntry))}`;
}

function listed(names: readonly string[]): string {
  const more = names.length - MAX_NAMED;
  return `${names.slice(0, MAX_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** What a plan takes away, as clauses: `remove 1 of 2 instances`; empty if it only widens. */
export function losses(plan: Plan): readonly string[] {
  return plan.narrowing.map(clause);
}

/** Why a plan takes that away: the meaning of the flag, and the instances it hits. */
export function lossReason(plan: Plan, because: string): string {
  const ids = plan.narrowing.flatMap((narrowing) =>
    narrowing.kind === 'removes-instances' ? narrowing.ids : [],
  );
  if (ids.length === 0) return because;
  return `${because}; ${listed(ids)} ${ids.length === 1 ? 'is' : 'are'} registered but not listed`;
}

/**
 * The refusal of a plan that takes something away without consent.
 * @param declined a person was asked and said no
 * @returns SluiceError `not-confirmed`; details.narrowing has it all
 */
export function notConfirmed(plan: Plan, words: ConsentWords, declined = false): SluiceError {
  const removal = plan.narrowing.find((narrowing) => narrowing.kind === 'removes-instances');
  const first = removal?.ids[0];
  const isSwitch = plan.narrowing.some(({ kind }) => kind === 'changes-origin');
  const instead =
    first === undefined || isSwitch ? '' : `, or:  sluice instance set ${plan.service} ${first}=0`;
  return new SluiceError(
    'not-confirmed',
    `${words.doing} '${plan.service}' would ${losses(plan).join(' and ')}`,
    {
      why: declined ? 'it was declined; nothing was changed' : lossReason(plan, words.because),
      fix: `repeat with ${words.flag}${instead}`,
      details: { service: plan.service, flag: words.flag, narrowing: plan.narrowing, declined },
    },
  );
}
