/**
 * Owns the schemas of policies, of numbers set by hand, and of what a decision about the number of instances was made of, as answered:
 * those of `describe -o json` and `why -o json`. Pure.
 */
import * as v from 'valibot';
import type { PolicyObject } from '../../model/policy-format.ts';
import {
  METRIC_MEANINGS,
  SCALING_MODES,
  type ScalingPin,
  WEIGHTS_KINDS,
} from '../../model/policy-scaling.ts';
import type { ScalingOutcome, ScalingProposal } from '../../model/scaling.ts';
import { count, flag, type FieldsOf, number, oneOf, text, texts, time } from './answer-fields.ts';

/** A number of instances set by hand. */
export const scalingPin = v.object({
  replicas: count('So many instances'),
  until: time('No policy changes that until then'),
} satisfies FieldsOf<ScalingPin>);

const duration = (what: string) => v.optional(text(`${what}: 30s, 5m`));

const ownMetric = v.object({
  name: text('Its name in decisions'),
  exec: v.optional(text('Command line of a program that prints one number')),
  http: v.optional(text('URL that answers with one number')),
  target: number('What there should be of it'),
  as: oneOf(METRIC_MEANINGS, 'Whether the number is of the whole service or of an average instance'),
  interval: text('Between two questions'),
  timeout: text('How long an answer may take'),
});

const scaling = v.object({
  min: count('Fewest instances'),
  max: count('Most instances'),
  cpu: v.optional(text('Part of what an instance may use: 70%')),
  connections: v.optional(number('Established connections an instance')),
  rate: v.optional(number('New connections a second and instance')),
  metrics: v.optional(v.array(ownMetric)),
  mode: oneOf(SCALING_MODES, 'Whether decisions are carried out'),
  downAfter: text('Fewer only after fewer were enough for so long'),
  cooldownUp: text('Between two increases'),
  cooldownDown: text('Between two decreases'),
} satisfies FieldsOf<NonNullable<PolicyObject['scaling']>>);

/** The policies of a service, as in a spec file. */
export const policies = v.object({
  weights: v.optional(oneOf(WEIGHTS_KINDS, 'Where weights come from')),
  slowStart: duration('A new instance gets its full share after'),
  scaling: v.optional(scaling),
} satisfies FieldsOf<PolicyObject>);

const proposal = v.object({
  metric: text('Which metric'),
  target: number('What an instance should have of it'),
  isStale: flag('Too much is missing: it asks for nothing and forbids fewer'),
  value: number('What an instance has of it'),
  needFast: number('Instances needed by the last seconds'),
  needSlow: number('Instances needed by the last minute'),
  want: number('Instances it asks for'),
} satisfies FieldsOf<ScalingProposal>);

const seconds = number('Seconds');
const direction = oneOf(['up', 'down'], 'More or fewer');

/** What decided the number in the end. */
const limiter = v.variant('kind', [
  v.object({ kind: v.literal('none') }),
  v.object({ kind: v.literal('tolerance') }),
  v.object({ kind: v.literal('warming') }),
  v.object({ kind: v.literal('pin'), until: time('The number was set by hand until then') }),
  v.object({ kind: v.literal('min'), min: count('Fewest instances') }),
  v.object({ kind: v.literal('max'), max: count('Most instances') }),
  v.object({ kind: v.literal('stale'), metrics: texts('Metrics of which too much is missing') }),
  v.object({ kind: v.literal('stabilised'), count: count('So many were wanted'), agoSeconds: seconds }),
  v.object({ kind: v.literal('rate'), direction, periodSeconds: seconds }),
  v.object({ kind: v.literal('cooldown'), direction, seconds }),
  v.object({ kind: v.literal('flapping'), reversals: count('Changes of direction') }),
]) satisfies v.GenericSchema<unknown, ScalingOutcome['limiter']>;

/** What a decision about the number of instances was made of. */
export const scalingOutcome = v.object({
  from: count('Instances asked for until then'),
  want: number('What the metrics want'),
  final: count('What it became'),
  mode: oneOf(SCALING_MODES, 'Whether it was carried out'),
  ready: count('Ready instances that are believed'),
  coming: count('Instances that start, or are ready for less than 10 s'),
  proposals: v.array(proposal),
  limiter,
  metric: v.optional(text('The metric that asked for the most')),
  nextSeconds: v.optional(number('When something else may be decided from the same numbers')),
} satisfies FieldsOf<ScalingOutcome>);
