/** Owns the stored form of policies and pins, fields of `service/<name>`. Pure. */
import * as v from 'valibot';
import { canonicalJson } from './canonical-json.ts';
import { countField, timeField } from './fields.ts';
import { policyBreaks } from './policy-rules.ts';
import {
  METRIC_MEANINGS,
  SCALING_MODES,
  type ScalingMetric,
  type ScalingPin,
  type ServicePolicy,
  WEIGHTS_KINDS,
} from './policy-scaling.ts';
import { badRecord, type Raw } from './records.ts';

const number = v.number('must be a number');
const text = v.string('must be text');
const MAP = 'must be an object';

const oneOf = <const T extends readonly string[]>(choices: T): v.PicklistSchema<T, string> =>
  v.picklist(choices, `must be one of ${choices.join(', ')}`);

const own = {
  name: text,
  target: number,
  as: oneOf(METRIC_MEANINGS),
  intervalSeconds: number,
  timeoutSeconds: number,
};

const metricField: v.GenericSchema<ScalingMetric> = v.variant(
  'kind',
  [
    v.object({ kind: v.literal('cpu'), name: v.literal('cpu'), target: number }, MAP),
    v.object({ kind: v.literal('connections'), name: v.literal('connections'), target: number }, MAP),
    v.object({ kind: v.literal('rate'), name: v.literal('rate'), target: number }, MAP),
    v.object({ kind: v.literal('exec'), ...own, command: v.array(text, 'must be a list of texts') }, MAP),
    v.object({ kind: v.literal('http'), ...own, url: text }, MAP),
  ],
  'must be a metric of kind cpu, connections, rate, exec or http',
);

/** Policies by the kinds of their fields; what must hold of their values is `assertPolicy`'s. */
export const policyField: v.GenericSchema<ServicePolicy> = v.object(
  {
    weights: v.optional(v.object({ kind: oneOf(WEIGHTS_KINDS), slowStartSeconds: number }, MAP)),
    scaling: v.optional(
      v.object(
        {
          min: number,
          max: number,
          metrics: v.array(metricField, 'must be a list of metrics'),
          mode: oneOf(SCALING_MODES),
          downAfterSeconds: number,
          cooldownUpSeconds: number,
          cooldownDownSeconds: number,
        },
        MAP,
      ),
    ),
  },
  MAP,
);

/** A pin, field `pin`. */
export const pinField: v.GenericSchema<ScalingPin> = v.object(
  { replicas: countField, until: timeField },
  MAP,
);

/**
 * Checks the values of stored policies.
 * @throws SluiceError `failed` naming key and field
 */
export function assertPolicy(key: string, policy: ServicePolicy): void {
  const [found] = policyBreaks(policy);
  if (found !== undefined)
    throw badRecord(key, { field: `policy.${found.field}`, value: found.what, why: found.allowed });
}

/** The policies to store: what is stored, with fields of newer versions, if those that are meant say the same in the fields of this one. */
export function keptPolicy(raw: Raw | undefined, policy: ServicePolicy): ServicePolicy {
  const stored = raw?.['policy'];
  if (!v.is(policyField, stored)) return policy;
  return canonicalJson(v.parse(policyField, stored)) === canonicalJson(policy) ? stored : policy;
}
