/**
 * Owns making policies from values typed on the command line: what is said changes, the rest stays as it was. The same checks as for
 * a file. Pure.
 */
import type { SluiceError } from '../errors.ts';
import { parseDuration } from './duration.ts';
import { badFlag, type MetricFlags, metricsFromFlags } from './policy-metric-flags.ts';
import { type PolicyBreak, policyBreaks } from './policy-rules.ts';
import {
  DEFAULT_SLOW_START_SECONDS,
  SCALING_DEFAULTS,
  type ScalingMode,
  type ScalingPolicy,
  type ServicePolicy,
  type WeightsPolicy,
  weightsPolicyOf,
} from './policy-scaling.ts';
import type { Origin } from './service.ts';
import { quoteValue } from './text.ts';

/** What `policy set` gets from its flags, as typed. */
export interface PolicyFlags extends MetricFlags {
  readonly weights?: WeightsPolicy['kind'] | undefined;
  readonly slowStart?: string | undefined;
  readonly min?: string | undefined;
  readonly max?: string | undefined;
  readonly mode?: ScalingMode | undefined;
  readonly downAfter?: string | undefined;
  readonly cooldownUp?: string | undefined;
  readonly cooldownDown?: string | undefined;
}

/** What the policies are of. */
export interface PolicyOwner {
  readonly origin: Origin;
  readonly policy?: ServicePolicy | undefined;
}

/** The flag of a field, by the end of its path. */
const FLAG_OF: Readonly<Record<string, string>> = {
  slowStart: '--slow-start',
  scaling: '--cpu',
  min: '--min',
  max: '--max',
  cpu: '--cpu',
  connections: '--connections',
  rate: '--rate',
  downAfter: '--down-after',
  cooldownUp: '--cooldown-up',
  cooldownDown: '--cooldown-down',
  exec: '--metric-exec',
  http: '--metric-http',
  name: '--metric-name',
  target: '--target',
  interval: '--metric-interval',
};

/** Flags that make a service scale. */
const SCALES = [
  'min',
  'max',
  'cpu',
  'connections',
  'rate',
  'metricExec',
  'metricHttp',
  'target',
  'metricName',
  'metricAs',
  'metricInterval',
  'mode',
  'downAfter',
  'cooldownUp',
  'cooldownDown',
] as const satisfies readonly (keyof PolicyFlags)[];

/** True if any flag says something. */
export const saysPolicy = (flags: PolicyFlags): boolean =>
  [...SCALES, 'weights' as const, 'slowStart' as const].some((flag) => flags[flag] !== undefined);

function countFrom(flag: string, text: string): number {
  if (/^(0|[1-9][0-9]{0,8})$/.test(text)) return Number(text);
  throw badFlag(flag, `${quoteValue(text)} is not a number of instances`, {
    why: `${flag} takes a whole number`,
  });
}

const secondsFrom = (flag: string, text: string | undefined, before: number): number =>
  text === undefined ? before : parseDuration(text, flag) / 1_000;

function scalingFrom(flags: PolicyFlags, before: ScalingPolicy | undefined): ScalingPolicy {
  const max = flags.max === undefined ? before?.max : countFrom('--max', flags.max);
  if (max === undefined) {
    const why = 'a policy says how many instances there may be at the most';
    throw badFlag('--max', 'it is missing', { why, fix: 'add --max N' });
  }
  const base = before ?? SCALING_DEFAULTS;
  return {
    min: flags.min === undefined ? base.min : countFrom('--min', flags.min),
    max,
    metrics: metricsFromFlags(flags, before?.metrics ?? []),
    mode: flags.mode ?? base.mode,
    downAfterSeconds: secondsFrom('--down-after', flags.downAfter, base.downAfterSeconds),
    cooldownUpSeconds: secondsFrom('--cooldown-up', flags.cooldownUp, base.cooldownUpSeconds),
    cooldownDownSeconds: secondsFrom('--cooldown-down', flags.cooldownDown, base.cooldownDownSeconds),
  };
}

function weightsFrom(flags: PolicyFlags, { origin, policy }: PolicyOwner): WeightsPolicy {
  const before = weightsPolicyOf(policy, origin);
  return {
    kind: flags.weights ?? before.kind,
    slowStartSeconds: secondsFrom(
      '--slow-start',
      flags.slowStart,
      policy?.weights?.slowStartSeconds ?? DEFAULT_SLOW_START_SECONDS,
    ),
  };
}

function refusal({ field, what, allowed, fix }: PolicyBreak): SluiceError {
  const flag = FLAG_OF[field.slice(field.lastIndexOf('.') + 1)] ?? field;
  return badFlag(flag, what, { why: `allowed: ${allowed}`, ...(fix === undefined ? {} : { fix }) });
}

/**
 * The policies of a service after `policy set` with these flags.
 * @param owner the service: where its instances come from, and the policies that it had
 * @throws SluiceError `invalid-spec` naming the flag
 */
export function policyFromFlags(flags: PolicyFlags, owner: PolicyOwner): ServicePolicy {
  const scales = SCALES.find((flag) => flags[flag] !== undefined);
  const weighs = flags.weights !== undefined || flags.slowStart !== undefined;
  if (scales !== undefined && owner.origin !== 'managed') {
    const why = `its instances are ${owner.origin}: sluice does not start them`;
    const fix = 'publish it with --command or --image; policies of weights need no such thing';
    throw badFlag('scaling', 'the number of instances cannot follow load', { why, fix });
  }
  const { policy } = owner;
  const after: ServicePolicy = {
    ...policy,
    ...(scales === undefined ? {} : { scaling: scalingFrom(flags, policy?.scaling) }),
    ...(weighs ? { weights: weightsFrom(flags, owner) } : {}),
  };
  const [found] = policyBreaks(after);
  if (found !== undefined) throw refusal(found);
  return after;
}
