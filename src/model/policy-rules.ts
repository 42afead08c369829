/** Owns what must hold of a service's policies, wherever they come from: flags, spec file, store. Pure. */
import { MAX_REPLICAS } from './limits.ts';
import { isName, NAME_RULE } from './name.ts';
import {
  MAX_METRIC_VALUE,
  type ScalingMetric,
  type ScalingPolicy,
  type ServicePolicy,
} from './policy-scaling.ts';
import { quoteValue } from './text.ts';

/** Metrics of one policy. */
export const MAX_METRICS = 8;
const MAX_COMMAND_WORDS = 64;
const MAX_WORD = 4_096;
const OWN_NAMES = ['cpu', 'connections', 'rate'];

/** A rule that does not hold, and where: `scaling.max`, `scaling.metrics.queue.target`. */
export interface PolicyBreak {
  readonly field: string;
  readonly what: string;
  readonly allowed: string;
  readonly fix?: string | undefined;
}

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly whole?: boolean;
}

function numberBreaks(
  field: string,
  value: number,
  { min, max, whole = false }: Bounds,
): readonly PolicyBreak[] {
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) return [];
  const allowed = `a ${whole ? 'whole ' : ''}number from ${min} to ${max}`;
  return [{ field, what: `${value} is out of range`, allowed }];
}

const when = (broken: boolean, found: PolicyBreak): readonly PolicyBreak[] => (broken ? [found] : []);

/** True for an absolute http(s) address without user and password, which would be shown to everybody who may read policies. */
function isPlainUrl(text: string): boolean {
  if (text.length > 2_048 || !/^https?:\/\/[!-~]+$/.test(text) || !URL.canParse(text)) return false;
  const { username, password, hostname } = new URL(text);
  return username === '' && password === '' && hostname !== '';
}

function sourceBreaks(field: string, metric: ScalingMetric): readonly PolicyBreak[] {
  if (metric.kind === 'http') {
    return when(!isPlainUrl(metric.url), {
      field: `${field}.http`,
      what: `${quoteValue(metric.url)} is not an address to ask`,
      allowed: 'http://HOST[:PORT]/PATH or https://…, without user and password',
    });
  }
  if (metric.kind !== 'exec') return [];
  const [program] = metric.command;
  const isRunnable =
    program !== undefined &&
    program !== '' &&
    metric.command.length <= MAX_COMMAND_WORDS &&
    metric.command.every((word) => word.length <= MAX_WORD && !/[\0\p{Cs}]/u.test(word)) &&
    !/\p{Cc}/u.test(program);
  return when(!isRunnable, {
    field: `${field}.exec`,
    what: 'that is no command',
    allowed: `a program and its arguments, at most ${MAX_COMMAND_WORDS} words of ${MAX_WORD} characters without NUL`,
  });
}

function metricBreaks(metric: ScalingMetric): readonly PolicyBreak[] {
  const field = `scaling.metrics.${isName(metric.name) ? metric.name : '?'}`;
  if (metric.kind === 'cpu') return numberBreaks('scaling.cpu', metric.target, { min: 0.05, max: 0.95 });
  const target = { min: 0.001, max: MAX_METRIC_VALUE };
  if (metric.kind === 'connections' || metric.kind === 'rate')
    return numberBreaks(`scaling.${metric.kind}`, metric.target, target);
  return [
    ...when(!isName(metric.name) || OWN_NAMES.includes(metric.name), {
      field: `${field}.name`,
      what: `${quoteValue(metric.name)} is not a name for a metric of your own`,
      allowed: `${NAME_RULE}; not ${OWN_NAMES.join(', ')}`,
    }),
    ...sourceBreaks(field, metric),
    ...numberBreaks(`${field}.target`, metric.target, target),
    ...numberBreaks(`${field}.interval`, metric.intervalSeconds, { min: 1, max: 300 }),
    ...numberBreaks(`${field}.timeout`, metric.timeoutSeconds, { min: 0.1, max: 60 }),
    ...when(metric.timeoutSeconds > metric.intervalSeconds, {
      field: `${field}.timeout`,
      what: 'the timeout is longer than the interval',
      allowed: 'a timeout of at most the interval',
    }),
  ];
}

function countBreaks({ min, max, metrics }: ScalingPolicy): readonly PolicyBreak[] {
  const names = metrics.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  const seesNothing = metrics.every(({ kind }) => kind !== 'exec' && kind !== 'http');
  return [
    ...numberBreaks('scaling.min', min, { min: 0, max: MAX_REPLICAS, whole: true }),
    ...numberBreaks('scaling.max', max, { min: 1, max: MAX_REPLICAS, whole: true }),
    ...when(min > max, {
      field: 'scaling.max',
      what: `the most, ${max}, is less than the fewest, ${min}`,
      allowed: `a whole number from ${min}`,
    }),
    ...when(metrics.length === 0, {
      field: 'scaling',
      what: 'there is nothing to scale by',
      allowed: 'at least one of cpu, connections, rate and metrics',
      fix: 'say for example cpu 70%',
    }),
    ...when(metrics.length > MAX_METRICS, {
      field: 'scaling.metrics',
      what: `${metrics.length} metrics are too many`,
      allowed: `at most ${MAX_METRICS}`,
    }),
    ...when(twice !== undefined, {
      field: 'scaling.metrics',
      what: `${quoteValue(twice)} is there twice`,
      allowed: 'each metric with a name of its own',
    }),
    ...when(min === 0 && metrics.length > 0 && seesNothing, {
      field: 'scaling.min',
      what: 'without instances nothing would start one again: nobody answers connections, so none is seen',
      allowed: '1 or more, or a metric of your own (exec or http) that sees work without instances',
    }),
  ];
}

function scalingBreaks(scaling: ScalingPolicy): readonly PolicyBreak[] {
  return [
    ...countBreaks(scaling),
    ...scaling.metrics.flatMap(metricBreaks),
    ...numberBreaks('scaling.downAfter', scaling.downAfterSeconds, { min: 10, max: 86_400 }),
    ...numberBreaks('scaling.cooldownUp', scaling.cooldownUpSeconds, { min: 0, max: 3_600 }),
    ...numberBreaks('scaling.cooldownDown', scaling.cooldownDownSeconds, { min: 0, max: 86_400 }),
  ];
}

/** All rules that do not hold, in the order of the fields. */
export function policyBreaks({ weights, scaling }: ServicePolicy): readonly PolicyBreak[] {
  return [
    ...(weights === undefined
      ? []
      : numberBreaks('slowStart', weights.slowStartSeconds, { min: 0, max: 3_600 })),
    ...(scaling === undefined ? [] : scalingBreaks(scaling)),
  ];
}
