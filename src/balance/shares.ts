/** Owns shares: what fraction of new connections each weight gets, and the rule probabilities that give it. Pure numbers. */
import { SluiceError } from '../errors.ts';

/**
 * Conditional probability of each rule so that instance i receives share w_i / Σw.
 *
 * Rules are evaluated from the last to the first: p_i = w_i / (w_1 + … + w_i). With equal weights p_i = 1/i.
 * A change of w_k changes only p_i with i ≥ k, so a newcomer at the end changes no other rule.
 * @param weights integers ≥ 1 in rule order; zeros must have been removed
 * @returns probabilities in (0, 1], the first exactly 1, so that no packet falls through
 * @throws SluiceError `internal` on an empty list or a weight that is no integer ≥ 1
 */
export function conditionalProbabilities(weights: readonly number[]): readonly number[] {
  if (weights.length === 0) throw new SluiceError('internal', 'no probabilities of an empty list of weights');
  let sum = 0;
  return weights.map((weight) => {
    if (!Number.isSafeInteger(weight) || weight < 1) {
      throw new SluiceError(
        'internal',
        `weight ${weight} has no rule: rules have integer weights of 1 or more`,
      );
    }
    sum += weight;
    return weight / sum;
  });
}

/**
 * Share of each weight: w_i / Σw.
 * @param weights numbers ≥ 0 in any order
 * @returns fractions in [0, 1] that sum to 1; all 0 if every weight is 0
 */
export function sharesOf(weights: readonly number[]): readonly number[] {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => (sum === 0 ? 0 : weight / sum));
}
