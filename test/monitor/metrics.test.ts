/** Tests when metrics of the admin's own are asked for, and what is known of them. */
import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../src/errors.ts';
import type { ScalingMetric } from '../../src/model/policy-scaling.ts';
import type { Service, Stored } from '../../src/model/service.ts';
import { createOwnMetrics } from '../../src/monitor/metrics.ts';
import type { ReadMetric } from '../../src/sampling/own-metric.ts';
import { CPU_POLICY } from '../balance/scaled-service.ts';
import { settle, createVirtualClock } from '../harness/virtual-clock.ts';

const QUEUE: ScalingMetric = {
  kind: 'http',
  name: 'queue',
  url: 'http://127.0.0.1:9/',
  target: 5,
  as: 'total',
  intervalSeconds: 10,
  timeoutSeconds: 5,
};

function services(metrics: readonly ScalingMetric[]): ReadonlyMap<string, Stored<Service>> {
  const value: Service = {
    name: 'web',
    entries: [{ ip: '10.96.0.1', port: 80, protocol: 'tcp' }],
    origin: 'managed',
    masquerade: false,
    policy: { scaling: { ...CPU_POLICY, metrics } },
    createdAt: '2026-01-01T00:00:00.000Z',
  };
  return new Map([['web', { value, createRevision: 1, modRevision: 1, raw: {} }]]);
}

function world(read: ReadMetric) {
  const clock = createVirtualClock();
  const lines: string[] = [];
  const log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (message: string, fields: object = {}) => void lines.push(`${message} ${JSON.stringify(fields)}`),
    error: () => undefined,
  };
  return { clock, lines, metrics: createOwnMetrics({ read, clock, log }) };
}

const numberOf = (values: ReturnType<ReturnType<typeof world>['metrics']['look']>): number | undefined =>
  values.get('web')?.get('queue')?.value;

describe("the admin's own metrics", () => {
  it('are asked for once an interval, and a decision never waits for them', async () => {
    let asked = 0;
    const { clock, metrics } = world(async () => Promise.resolve((asked += 1)));
    const all = services([...CPU_POLICY.metrics, QUEUE]);
    expect(numberOf(metrics.look(all))).toBeUndefined();
    await settle();
    expect(numberOf(metrics.look(all))).toBe(1);
    await clock.advance(9_000);
    expect([numberOf(metrics.look(all)), asked]).toEqual([1, 1]);
    await clock.advance(2_000);
    metrics.look(all);
    await settle();
    expect(metrics.look(all).get('web')?.get('queue')).toEqual({ value: 2, arrivedMs: 11_000 });
    expect(metrics.look(services([]))).toEqual(new Map());
  });

  it('are not asked for again while an answer is out, and not kept for another definition', async () => {
    const answers: ((value: number) => void)[] = [];
    const { clock, metrics } = world(async () => new Promise((resolve) => answers.push(resolve)));
    metrics.look(services([QUEUE]));
    await clock.advance(60_000);
    metrics.look(services([QUEUE]));
    expect(answers).toHaveLength(1);
    const other = services([{ ...QUEUE, url: 'http://127.0.0.1:10/' }]);
    metrics.look(other);
    answers[0]?.(7);
    await settle();
    expect(numberOf(metrics.look(other))).toBeUndefined();
    answers[1]?.(8);
    await settle();
    expect(numberOf(metrics.look(other))).toBe(8);
  });

  it('keep the value before, which grows old, and say once why none came', async () => {
    let fails = false;
    const { clock, lines, metrics } = world(async () => {
      await Promise.resolve();
      if (fails) throw new SluiceError('failed', 'the metric gave no number', { why: 'HTTP 500' });
      return 3;
    });
    const all = services([QUEUE]);
    metrics.look(all);
    await settle();
    fails = true;
    for (let at = 0; at < 3; at += 1) {
      await clock.advance(10_000);
      metrics.look(all);
      await settle();
    }
    expect(metrics.look(all).get('web')?.get('queue')).toEqual({ value: 3, arrivedMs: 0 });
    expect(lines).toEqual(['a metric gave no value {"metric":"web/queue","why":"HTTP 500"}']);
    metrics.forget();
    expect(numberOf(metrics.look(all))).toBeUndefined();
  });
});
