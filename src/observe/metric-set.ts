/** Owns a set of figures in Prometheus' text. The one place of prom-client; who counts gets functions, who is asked gives functions. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What a figure is. */
export interface About {
  readonly name: string;
  /** One line. */
  readonly help: string;
  readonly labels?: readonly string[] | undefined;
}

/** Values of labels. */
export type Labels = Readonly<Record<string, string>>;

/** A value of a gauge with its labels. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** The figures. */
export interface MetricSet {
  /** Something that only grows; returns how to raise it, by 1 if not said. */
  readonly counter: (about: About) => (labels?: Labels, by?: number) => void;
  /** How long something takes; returns how to tell one. */
  readonly histogram: (
    about: About & { readonly buckets: readonly number[] },
  ) => (value: number, labels?: Labels) => void;
  /** Something that goes up and down; read when somebody asks. */
  readonly gauge: (about: About, read: () => number | readonly Sample[]) => void;
  /** Prometheus' text. */
  readonly text: () => Promise<string>;
  /** Type of the text. */
  readonly type: string;
}

/** Figures of the process that cost nothing while nobody asks. */
function addProcess(set: MetricSet): void {
  const cpu = { name: 'process_cpu_seconds_total', help: 'CPU time of the process' };
  set.gauge(cpu, () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  set.gauge({ name: 'process_resident_memory_bytes', help: 'Memory of the process' }, () =>
    process.memoryUsage.rss(),
  );
}

/** Sets a gauge anew. */
function refresh(gauge: Gauge, now: number | readonly Sample[]): void {
  gauge.reset();
  if (typeof now === 'number') gauge.set(now);
  else for (const { labels, value } of now) gauge.set(labels, value);
}

/**
 * An empty set, in a registry of its own.
 * @param figures of the process: `plain` ones cost nothing while nobody asks; `all` watch the event loop all the time
 */
export function createMetricSet({ figures }: { readonly figures: 'plain' | 'all' }): MetricSet {
  const registry = new Registry();
  const registers = [registry];
  const optionsOf = ({ name, help, labels = [] }: About) => ({
    name,
    help,
    labelNames: [...labels],
    registers,
  });
  const set: MetricSet = {
    counter: (about) => {
      const counter = new Counter(optionsOf(about));
      return (labels = {}, by = 1) => counter.inc(labels, by);
    },
    histogram: ({ buckets, ...about }) => {
      const histogram = new Histogram({ ...optionsOf(about), buckets: [...buckets] });
      return (value, labels = {}) => histogram.observe(labels, value);
    },
    gauge: (about, read) => {
      const gauge: Gauge = new Gauge({ ...optionsOf(about), collect: () => refresh(gauge, read()) });
    },
    text: () => registry.metrics(),
    type: registry.contentType,
  };
  if (figures === 'all') collectDefaultMetrics({ register: registry });
  else addProcess(set);
  return set;
}
