/** Owns the chi-square test of counted connections against expected shares. Pure. */
import { SluiceError } from '../errors.ts';

/** Result of a test. */
export interface ChiSquare {
  readonly statistic: number;
  readonly degreesOfFreedom: number;
  /** Probability of a statistic at least this large if the counts follow the shares; near 0 = they do not. */
  readonly p: number;
}

/**
 * ln Γ(x) for x > 0, by Lanczos' approximation (g = 5, six terms; C. Lanczos, SIAM J. Numer. Anal. 1, 1964); relative error
 * below 2e-10.
 */
function logGamma(x: number): number {
  const terms = [
    76.18009172947146, -86.50532032941678, 24.01409824083091, -1.231739572450155, 1.208650973866179e-3,
    -5.395239384953e-6,
  ];
  const series = terms.reduce((sum, term, index) => sum + term / (x + 1 + index), 1.000000000190015);
  const base = x + 5.5;
  return (x + 0.5) * Math.log(base) - base + Math.log((2.5066282746310002 * series) / x);
}

/** Lower regularized incomplete gamma P(a, x) by its power series; converges fast for x < a + 1. */
function lowerGammaSeries(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 1; n < 1_000 && Math.abs(term) > Math.abs(sum) * 1e-15; n += 1) {
    term *= x / (a + n);
    sum += term;
  }
  return sum * Math.exp(-x + a * Math.log(x) - logGamma(a));
}

/** Upper regularized incomplete gamma Q(a, x) by its continued fraction (Lentz); converges fast for x > a + 1. */
function upperGammaFraction(a: number, x: number): number {
  const tiny = 1e-300;
  let b = x + 1 - a;
  let c = 1 / tiny;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < 1_000; n += 1) {
    const numerator = -n * (n - a);
    b += 2;
    d = numerator * d + b;
    c = b + numerator / c;
    d = 1 / (Math.abs(d) < tiny ? tiny : d);
    if (Math.abs(c) < tiny) c = tiny;
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return fraction * Math.exp(-x + a * Math.log(x) - logGamma(a));
}

/** Upper tail of the chi-square distribution, Q(k/2, x/2): probability of a statistic at least this large by chance. */
export function upperTail(statistic: number, degreesOfFreedom: number): number {
  if (statistic <= 0) return 1;
  const [a, x] = [degreesOfFreedom / 2, statistic / 2];
  return x < a + 1 ? 1 - lowerGammaSeries(a, x) : upperGammaFraction(a, x);
}

/**
 * Pearson's test of counts against weights.
 * @param counts counted connections per instance
 * @param weights expected shares in any unit, all > 0, in the same order
 * @returns p = 1 for fewer than two instances or without any connection
 * @throws SluiceError `internal` if the lists do not fit
 */
export function chiSquareTest(counts: readonly number[], weights: readonly number[]): ChiSquare {
  if (counts.length !== weights.length || weights.some((weight) => !(weight > 0))) {
    throw new SluiceError('internal', 'counts and weights of a chi-square test do not fit');
  }
  const total = counts.reduce((sum, count) => sum + count, 0);
  const weightSum = weights.reduce((sum, weight) => sum + weight, 0);
  const degreesOfFreedom = Math.max(0, counts.length - 1);
  if (total === 0 || degreesOfFreedom === 0) return { statistic: 0, degreesOfFreedom, p: 1 };
  const statistic = counts.reduce((sum, count, index) => {
    const expected = (total * (weights[index] ?? 0)) / weightSum;
    return sum + (count - expected) ** 2 / expected;
  }, 0);
  return { statistic, degreesOfFreedom, p: upperTail(statistic, degreesOfFreedom) };
}
