/** Owns the metrics of a policy as typed on the command line. Pure. */
import { SluiceError } from '../errors.ts';
import { parseDuration } from './duration.ts';
import { parsePercent } from './percent.ts';
import { METRIC_DEFAULTS, type ScalingMetric, sortMetrics } from './policy-scaling.ts';
import { quoteValue } from './text.ts';
import { splitWords } from './words.ts';

/** What `policy set` gets of metrics, as typed. `off` takes a metric away. */
export interface MetricFlags {
  /** `70%` */
  readonly cpu?: string | undefined;
  readonly connections?: string | undefined;
  readonly rate?: string | undefined;
  /** A command line; its metric is called `exec` if `metricName` says nothing else. */
  readonly metricExec?: string | undefined;
  /** An address; its metric is called `http` if `metricName` says nothing else. */
  readonly metricHttp?: string | undefined;
  readonly metricName?: string | undefined;
  readonly metricAs?: 'total' | 'average' | undefined;
  readonly metricInterval?: string | undefined;
  readonly target?: string | undefined;
}

const OFF = 'off';
const AMOUNT = 'a number above 0 such as 200 or 0.5';

/** The error for a flag: what is wrong, why, and how to put it right. */
export function badFlag(
  flag: string,
  what: string,
  {
    why,
    fix = 'correct it and try again; nothing was written',
  }: { readonly why: string; readonly fix?: string },
): SluiceError {
  return new SluiceError('invalid-spec', `${flag}: ${what}`, {
    why,
    fix,
    details: { field: flag, allowed: why },
  });
}

function amountFrom(flag: string, text: string): number {
  if (/^(0|[1-9][0-9]{0,11})(\.[0-9]{1,3})?$/.test(text)) return Number(text);
  throw badFlag(flag, `${quoteValue(text)} is not ${AMOUNT}`, { why: `${flag} takes ${AMOUNT}` });
}

/** Flags that say more of a metric of the admin's own, without one. */
function refuseAlone(flags: MetricFlags): void {
  const { target, metricAs, metricInterval, metricName } = flags;
  const more = {
    '--target': target,
    '--metric-as': metricAs,
    '--metric-interval': metricInterval,
    '--metric-name': metricName,
  };
  const [alone] = Object.entries(more).find(([, value]) => value !== undefined) ?? [];
  if (alone === undefined) return;
  const why = `${alone} belongs to --metric-exec or --metric-http`;
  throw badFlag(alone, 'there is no metric that it could be for', { why });
}

/** A metric of the admin's own: its kind, and the command or address as typed. */
function ownMetric(kind: 'exec' | 'http', source: string, flags: MetricFlags): ScalingMetric {
  const { target, metricInterval } = flags;
  if (target === undefined) {
    const why = 'a metric needs what one instance should have of it';
    throw badFlag(`--metric-${kind}`, 'the target is missing', { why, fix: 'add --target N' });
  }
  const intervalSeconds =
    metricInterval === undefined
      ? METRIC_DEFAULTS.intervalSeconds
      : parseDuration(metricInterval, '--metric-interval') / 1_000;
  const common = {
    name: flags.metricName ?? kind,
    target: amountFrom('--target', target),
    as: flags.metricAs ?? METRIC_DEFAULTS.as,
    intervalSeconds,
    timeoutSeconds: Math.min(METRIC_DEFAULTS.timeoutSeconds, intervalSeconds),
  };
  return kind === 'exec'
    ? { kind, ...common, command: splitWords(source, '--metric-exec') }
    : { kind, ...common, url: source };
}

/** What the flags say of each metric by its name: undefined takes it away. */
function saidMetrics(flags: MetricFlags): ReadonlyMap<string, ScalingMetric | undefined> {
  const { cpu, connections, rate, metricExec, metricHttp, metricName } = flags;
  const said = new Map<string, ScalingMetric | undefined>();
  const say = (name: string, text: string | undefined, read: (text: string) => ScalingMetric): void => {
    if (text !== undefined) said.set(name, text === OFF ? undefined : read(text));
  };
  say('cpu', cpu, (text) => ({ kind: 'cpu', name: 'cpu', target: parsePercent(text, '--cpu') }));
  say('connections', connections, (text) => {
    return { kind: 'connections', name: 'connections', target: amountFrom('--connections', text) };
  });
  say('rate', rate, (text) => ({ kind: 'rate', name: 'rate', target: amountFrom('--rate', text) }));
  say(metricName ?? 'exec', metricExec, (text) => ownMetric('exec', text, flags));
  say(metricName ?? 'http', metricHttp, (text) => ownMetric('http', text, flags));
  return said;
}

/**
 * The metrics of a policy after the flags.
 * @param before those it had
 * @throws SluiceError `invalid-spec` naming the flag
 */
export function metricsFromFlags(
  flags: MetricFlags,
  before: readonly ScalingMetric[],
): readonly ScalingMetric[] {
  const { metricExec, metricHttp } = flags;
  if (metricExec !== undefined && metricHttp !== undefined) {
    const why = 'one metric of your own at a time: the other flags could belong to either';
    throw badFlag('--metric-http', 'also --metric-exec is there', {
      why,
      fix: 'run policy set twice, or use a spec file',
    });
  }
  if (metricExec === undefined && metricHttp === undefined) refuseAlone(flags);
  const said = saidMetrics(flags);
  const kept = before.filter(({ name }) => !said.has(name));
  return sortMetrics([...kept, ...[...said.values()].filter((metric) => metric !== undefined)]);
}
