/** Owns decisions about the number of instances in words: one line for records, a few for `sluice why`. Pure. */
import { formatDuration } from './duration.ts';
import { formatPercent } from './percent.ts';
import type { ScalingLimiter, ScalingOutcome, ScalingProposal, ScalingRecord } from './scaling.ts';

const instances = (count: number): string => `${count} instance${count === 1 ? '' : 's'}`;
const seconds = (count: number): string => formatDuration(count * 1_000);

/** What limited a decision, in words; `nothing` if it became what was wanted. */
export function limiterWords(limiter: ScalingLimiter): string {
  switch (limiter.kind) {
    case 'none':
      return 'nothing';
    case 'tolerance':
      return 'the need is within 10% above and 20% below what is there';
    case 'pin':
      return `pinned by hand until ${limiter.until}`;
    case 'min':
      return `the policy allows no fewer than ${limiter.min}`;
    case 'max':
      return `the policy allows no more than ${limiter.max}`;
    case 'stale':
      return `too little is known of ${limiter.metrics.join(', ')}: samples are missing, old or impossible, and never make it fewer`;
    case 'warming':
      return 'no instance has been ready for 10s, and what they use before that is not believed';
    case 'stabilised':
      return `${limiter.count} were wanted ${limiter.agoSeconds === 0 ? 'just now' : `${seconds(limiter.agoSeconds)} ago`}`;
    case 'rate':
      return limiter.direction === 'up'
        ? `at most twice as many, or four more, in ${seconds(limiter.periodSeconds)}`
        : `at most a quarter fewer in ${seconds(limiter.periodSeconds)}`;
    case 'cooldown':
      return `${seconds(limiter.seconds)} between two ${limiter.direction === 'up' ? 'increases' : 'decreases'}`;
    case 'flapping':
    default:
      return `the direction turned ${limiter.reversals} times within an hour: fewer rest for 30m`;
  }
}

/** `cpu 92%`, `connections 130`, `queue 12.5`. */
function measuredWords({ metric, value }: ScalingProposal): string {
  if (metric === 'cpu') return `cpu ${formatPercent(value)}`;
  return `${metric} ${value >= 100 ? Math.round(value) : Number(value.toPrecision(3))}`;
}

const targetWords = ({ metric, target }: ScalingProposal): string =>
  metric === 'cpu' ? formatPercent(target) : String(target);

/** What was decided: `5 → 8 instances`, `stays at 5 instances`, `would be 5 → 8 instances`. */
export function whatWords({ from, final, mode }: ScalingOutcome): string {
  if (from === final) return `stays at ${instances(from)}`;
  return `${mode === 'recommend' ? 'would be ' : ''}${from} → ${instances(final)}`;
}

/** Why: the metric that asks for the most, and what limited it. */
export function whyWords(outcome: ScalingOutcome): string {
  const { want, metric, limiter, proposals } = outcome;
  const leading = proposals.find((one) => one.metric === metric);
  const limit = limiterWords(limiter);
  if (leading === undefined || limiter.kind === 'pin') return limit;
  const asks = `${measuredWords(leading)} of ${targetWords(leading)} wants ${want}`;
  return limiter.kind === 'none' ? asks : `${asks}; ${limit}`;
}

function proposalLine(one: ScalingProposal): string {
  if (one.isStale) return `${one.metric}: not known`;
  const needs = `needs ${one.needFast.toFixed(1)} by the last 6s, ${one.needSlow.toFixed(1)} by the last minute`;
  return `${measuredWords(one)} of ${targetWords(one)}: ${needs}; wants ${one.want}`;
}

/**
 * A decision for `sluice why`: what, then each metric, what limited it, and when it may become something else.
 * @returns lines, all but the first indented by two spaces
 */
export function explainScaling({ at, by, scaling }: ScalingRecord): readonly string[] {
  const { ready, coming, nextSeconds, limiter } = scaling;
  const there = coming === 0 ? `${ready} ready` : `${ready} ready, ${coming} coming`;
  const next =
    nextSeconds === undefined ? 'when the numbers change' : `in ${seconds(nextSeconds)} at the earliest`;
  return [
    `${at}  ${whatWords(scaling)} (${there}; decided on ${by})`,
    ...scaling.proposals.map((one) => `  ${proposalLine(one)}`),
    `  limited by: ${limiterWords(limiter)}`,
    `  next: ${next}`,
  ];
}
