/**
 * Owns asking for consent to what a plan takes away: given by flag, asked on a terminal, refused (5) elsewhere with the flag named.
 * Severe acts want the name typed. What a plan takes away, and in which words, is plan/guard.ts.
 */
import { type ConsentWords, losses, lossReason, notConfirmed } from '../plan/guard.ts';
import type { Plan } from '../plan/plan.ts';
import { askTyped, askYesNo, canAsk } from './prompt.ts';
import type { Session } from './session.ts';

/** The act that needs consent. */
export interface Act extends Omit<ConsentWords, 'because'> {
  /** Why a plan takes something away, e.g. `--instance is the full set`. */
  readonly because: (plan: Plan) => string;
  /** True if consent was given by flag. */
  readonly given: boolean;
  /** True if the name must be typed. */
  readonly severe: boolean;
}

/**
 * What ops asks before it writes.
 * @returns a function that rejects with SluiceError `not-confirmed` for the first plan that is not consented to
 */
export function consentFor(session: Session, act: Act): (plans: readonly Plan[]) => Promise<void> {
  return async (plans) => {
    if (act.given) return;
    for (const plan of plans.filter(({ narrowing }) => narrowing.length > 0)) {
      const words = { doing: act.doing, flag: act.flag, because: act.because(plan) };
      if (!canAsk(session)) throw notConfirmed(plan, words);
      const reason = lossReason(plan, words.because);
      const message = `${act.doing} '${plan.service}' will ${losses(plan).join(' and ')} (${reason}).`;
      const agreed = act.severe
        ? await askTyped(session, message, plan.service)
        : await askYesNo(session, `${message} Go on?`);
      if (!agreed) throw notConfirmed(plan, words, true);
    }
  };
}
