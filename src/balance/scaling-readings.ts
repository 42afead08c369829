/**
 * Owns what one look measures: samples of instances become sums, each number checked before it counts. What is missing, old, not a number,
 * negative or huge counts as missing, never as nothing. Pure.
 */
import { MAX_METRIC_VALUE, type ScalingMetric } from '../model/policy-scaling.ts';
import type { ScalingPoint, ScalingReading } from '../model/scaling.ts';

/** A sample this old is none: three beats of the sampling. */
export const FRESH_MS = 6_000;
/** An instance is believed when it has been ready for so long: what it burns while it starts is not load. */
const WARM_MS = 10_000;
/** A cgroup may use a little more than its limit within one sample; more than this is a mistake. */
const MAX_CPU = 1.5;
/** Connections, waiting ones, and connections a second: beyond this it is a mistake. */
const MAX_CONNECTIONS = 1e7;
const SATURATED = 0.95;

/** The latest sample of an instance. A field that was not measured is not there. */
export interface LoadSample {
  /** When it came, by the clock of whoever decides: clocks of nodes are not compared. */
  readonly arrivedMs: number;
  /** Fraction of what the instance may use. */
  readonly cpu?: number | undefined;
  readonly connections?: number | undefined;
  /** Connections that nobody has accepted yet. */
  readonly acceptQueue?: number | undefined;
  /** New connections a second, of all nodes together. */
  readonly newConnections?: number | undefined;
}

/** An instance that serves or will. Those that leave are not among them. */
export interface ScaledInstance {
  /** Since when it is ready, by the clock of whoever decides; undefined: not yet. */
  readonly readySinceMs?: number | undefined;
  readonly load?: LoadSample | undefined;
}

/** The latest value of a metric of the admin's own. */
export interface MetricValue {
  readonly arrivedMs: number;
  readonly value: number;
}

/** What is measured at one look. */
export interface Measured {
  readonly instances: readonly ScaledInstance[];
  /** By the name of the metric. */
  readonly values: ReadonlyMap<string, MetricValue>;
  readonly metrics: readonly ScalingMetric[];
  readonly nowMs: number;
}

/** A point, and what only this look needs to know. */
export interface Look {
  readonly point: ScalingPoint;
  /** Ready for long enough to be believed. */
  readonly warm: number;
  /** Mean load of those, of 1; undefined if it is not known of more than half of them. */
  readonly cpu: number | undefined;
}

const inRange = (value: number | undefined, max: number): number | undefined =>
  value !== undefined && value >= 0 && value <= max ? value : undefined;

const isFresh = (arrivedMs: number, nowMs: number, freshMs = FRESH_MS): boolean =>
  arrivedMs <= nowMs && nowMs - arrivedMs <= freshMs;

/** What can be believed of an instance's sample. */
type Believed = Omit<LoadSample, 'arrivedMs'>;

function believed({ load }: ScaledInstance, nowMs: number): Believed {
  if (load === undefined || !isFresh(load.arrivedMs, nowMs)) return {};
  const cpu = inRange(load.cpu, MAX_CPU);
  return {
    cpu: cpu === undefined ? undefined : Math.min(1, cpu),
    connections: inRange(load.connections, MAX_CONNECTIONS),
    acceptQueue: inRange(load.acceptQueue, MAX_CONNECTIONS),
    newConnections: inRange(load.newConnections, MAX_CONNECTIONS),
  };
}

function total(metric: string, values: readonly (number | undefined)[]): ScalingReading {
  const seen = values.filter((value) => value !== undefined);
  return {
    metric,
    sum: seen.reduce((sum, value) => sum + value, 0),
    seen: seen.length,
    missing: values.length - seen.length,
  };
}

/** True if so much is missing that the rest says nothing of the whole; also if there is nothing at all. */
export const isStale = ({ seen, missing }: ScalingReading): boolean => seen === 0 || missing > seen;

/**
 * Load of the processors. What an instance burns in its first seconds is not believed, only that it does its part: it counts as at most the
 * mean of the warm ones, since the load that it took over is theirs no more.
 */
function cpuReading(warm: readonly Believed[], warming: readonly Believed[]): ScalingReading {
  const reading = total(
    'cpu',
    warm.map(({ cpu }) => cpu),
  );
  if (isStale(reading)) return reading;
  const mean = reading.sum / reading.seen;
  const young = warming.map(({ cpu }) => Math.min(cpu ?? mean, mean));
  return { ...reading, sum: reading.sum + young.reduce((sum, cpu) => sum + cpu, 0) };
}

/** A metric of the admin's own: the service's total, or a mean that holds for each ready instance. */
function ownReading(metric: ScalingMetric, measured: Measured, ready: number): readonly ScalingReading[] {
  if (metric.kind !== 'exec' && metric.kind !== 'http') return [];
  const { name, as, intervalSeconds } = metric;
  const latest = measured.values.get(name);
  const freshMs = Math.max(FRESH_MS, 3_000 * intervalSeconds);
  const isThere = latest !== undefined && isFresh(latest.arrivedMs, measured.nowMs, freshMs);
  const value = isThere ? inRange(latest.value, MAX_METRIC_VALUE) : undefined;
  if (value === undefined) return [{ metric: name, sum: 0, seen: 0, missing: 1 }];
  return [{ metric: name, sum: as === 'total' ? value : value * ready, seen: 1, missing: 0 }];
}

/** Sums of what the instances and the admin's metrics say now. */
export function look(measured: Measured): Look {
  const { instances, nowMs } = measured;
  const ready = instances.filter(({ readySinceMs }) => readySinceMs !== undefined && readySinceMs <= nowMs);
  const isWarm = ({ readySinceMs = nowMs }: ScaledInstance): boolean => nowMs - readySinceMs >= WARM_MS;
  const of = (some: readonly ScaledInstance[]): readonly Believed[] =>
    some.map((one) => believed(one, nowMs));
  const warm = of(ready.filter(isWarm));
  const all = of(ready);
  const cpu = cpuReading(warm, of(ready.filter((one) => !isWarm(one))));
  const own = total(
    'cpu',
    warm.map((one) => one.cpu),
  );
  const meanCpu = isStale(own) ? undefined : own.sum / own.seen;
  const waiting = total(
    'waiting',
    all.map(({ acceptQueue }) => acceptQueue),
  );
  const readings = [
    cpu,
    total(
      'connections',
      all.map(({ connections }) => connections),
    ),
    total(
      'rate',
      all.map(({ newConnections }) => newConnections),
    ),
    ...measured.metrics.flatMap((metric) => ownReading(metric, measured, ready.length)),
  ];
  const isSaturated = meanCpu !== undefined && meanCpu > SATURATED;
  const point = { ms: nowMs, ready: ready.length, isSaturated, backlog: waiting.sum, readings };
  return { point, warm: warm.length, cpu: meanCpu };
}
