/** Owns policies as text: the part of a spec file, which reads back to the same policies, and one line for tables. Pure. */
import { formatDuration } from './duration.ts';
import { formatPercent } from './percent.ts';
import { formatWords } from './words.ts';
import type { ScalingMetric, ScalingPolicy, ServicePolicy } from './policy-scaling.ts';

/** A metric of the admin's own as in a file. */
interface MetricObject {
  readonly name: string;
  readonly exec?: string;
  readonly http?: string;
  readonly target: number;
  readonly as: string;
  readonly interval: string;
  readonly timeout: string;
}

/** The policies of a service as the JSON object of a file; fields in the order of the documentation. */
export interface PolicyObject {
  readonly weights?: string;
  readonly slowStart?: string;
  readonly scaling?: {
    readonly min: number;
    readonly max: number;
    readonly cpu?: string;
    readonly connections?: number;
    readonly rate?: number;
    readonly metrics?: readonly MetricObject[];
    readonly mode: string;
    readonly downAfter: string;
    readonly cooldownUp: string;
    readonly cooldownDown: string;
  };
}

const duration = (seconds: number): string => formatDuration(seconds * 1_000);

function metricObject(metric: ScalingMetric): readonly MetricObject[] {
  if (metric.kind !== 'exec' && metric.kind !== 'http') return [];
  const { name, target, as } = metric;
  const times = { interval: duration(metric.intervalSeconds), timeout: duration(metric.timeoutSeconds) };
  const source = metric.kind === 'exec' ? { exec: formatWords(metric.command) } : { http: metric.url };
  return [{ name, ...source, target, as, ...times }];
}

function builtIn(metric: ScalingMetric): object {
  if (metric.kind === 'cpu') return { cpu: formatPercent(metric.target) };
  return metric.kind === 'exec' || metric.kind === 'http' ? {} : { [metric.kind]: metric.target };
}

function scalingObject(scaling: ScalingPolicy): NonNullable<PolicyObject['scaling']> {
  const { min, max, mode, metrics } = scaling;
  const own = metrics.flatMap(metricObject);
  return {
    min,
    max,
    ...Object.assign({}, ...metrics.map(builtIn)),
    ...(own.length === 0 ? {} : { metrics: own }),
    mode,
    downAfter: duration(scaling.downAfterSeconds),
    cooldownUp: duration(scaling.cooldownUpSeconds),
    cooldownDown: duration(scaling.cooldownDownSeconds),
  };
}

/** Policies as in a spec file. */
export function policyObject({ weights, scaling }: ServicePolicy): PolicyObject {
  return {
    ...(weights === undefined
      ? {}
      : { weights: weights.kind, slowStart: duration(weights.slowStartSeconds) }),
    ...(scaling === undefined ? {} : { scaling: scalingObject(scaling) }),
  };
}

/** What a metric should be: `cpu 70%`, `connections 200`, `queue 30`. */
function formatTarget({ kind, name, target }: ScalingMetric): string {
  return `${name} ${kind === 'cpu' ? formatPercent(target) : target}`;
}

/** One line for tables: `adaptive, cpu 70%, 2-20`; `adaptive, cpu 70%, 2-20, recommend`. */
export function formatPolicy({ weights, scaling }: ServicePolicy): string {
  const parts = [
    ...(weights === undefined ? [] : [weights.kind]),
    ...(scaling?.metrics ?? []).map(formatTarget),
    ...(scaling === undefined ? [] : [`${scaling.min}-${scaling.max}`]),
    ...(scaling?.mode === 'recommend' ? ['recommend'] : []),
  ];
  return parts.join(', ');
}
