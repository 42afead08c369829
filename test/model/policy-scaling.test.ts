import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { formatPercent, parsePercent } from '../../src/model/percent.ts';
import { type PolicyFlags, policyFromFlags } from '../../src/model/policy-flags.ts';
import { formatPolicy, policyObject } from '../../src/model/policy-format.ts';
import { parseMetricValue, type ServicePolicy, weightsPolicyOf } from '../../src/model/policy-scaling.ts';
import { assertPolicy, keptPolicy, pinField, policyField } from '../../src/model/records-policy.ts';
import { fieldReader } from '../../src/model/spec-fields.ts';
import { readPolicy } from '../../src/model/spec-policy.ts';
import { readJson } from '../../src/model/spec-json.ts';
import { readYaml } from '../../src/model/spec-yaml.ts';
import type { SpecDefect } from '../../src/model/spec-tree.ts';
import { failureOf } from './failure.ts';

const managed = (flags: PolicyFlags, policy?: ServicePolicy): ServicePolicy =>
  policyFromFlags(flags, { origin: 'managed', policy });

const FULL = managed({
  weights: 'adaptive',
  slowStart: '20s',
  min: '2',
  max: '20',
  cpu: '70%',
  connections: '200',
  rate: '50.5',
  metricExec: "queue-length --of 'web shop'",
  metricName: 'queue',
  target: '30',
  mode: 'recommend',
  downAfter: '10m',
  cooldownUp: '5s',
  cooldownDown: '1m',
});

/** The policies of a text, or what is wrong with it. */
async function read(
  text: string,
): Promise<{ readonly policy: ServicePolicy | undefined; readonly defects: readonly SpecDefect[] }> {
  const { documents, defects } = text.startsWith('{') ? readJson(text) : readYaml(text);
  const [node] = documents;
  const found: SpecDefect[] = [...defects];
  const policy =
    node === undefined
      ? undefined
      : readPolicy(
          fieldReader((defect) => found.push(defect), 'policy'),
          node,
        );
  return { policy, defects: found };
}

describe('policies from flags', () => {
  it('hold what is said, and defaults for the rest', () => {
    expect(managed({ max: '20', cpu: '70%' })).toEqual({
      scaling: {
        min: 1,
        max: 20,
        metrics: [{ kind: 'cpu', name: 'cpu', target: 0.7 }],
        mode: 'act',
        downAfterSeconds: 300,
        cooldownUpSeconds: 0,
        cooldownDownSeconds: 30,
      },
    });
    expect(FULL.weights).toEqual({ kind: 'adaptive', slowStartSeconds: 20 });
    expect(FULL.scaling?.metrics.map(({ name }) => name)).toEqual(['connections', 'cpu', 'queue', 'rate']);
    expect(FULL.scaling?.metrics[2]).toEqual({
      kind: 'exec',
      name: 'queue',
      command: ['queue-length', '--of', 'web shop'],
      target: 30,
      as: 'total',
      intervalSeconds: 10,
      timeoutSeconds: 5,
    });
  });

  it('change what is said and leave the rest as it was', () => {
    const changed = managed({ max: '30', cpu: '60%', connections: 'off', mode: 'act' }, FULL);
    expect(changed.weights).toEqual(FULL.weights);
    expect(changed.scaling).toMatchObject({ min: 2, max: 30, mode: 'act', downAfterSeconds: 600 });
    expect(changed.scaling?.metrics.map(({ name, target }) => [name, target])).toEqual([
      ['cpu', 0.6],
      ['queue', 30],
      ['rate', 50.5],
    ]);
    expect(managed({ weights: 'equal' }, FULL)).toEqual({
      ...FULL,
      weights: { kind: 'equal', slowStartSeconds: 20 },
    });
    expect(managed({ metricExec: 'off', metricName: 'queue' }, FULL).scaling?.metrics).toHaveLength(3);
  });

  it('of weights are for every service, those of scaling for managed ones', async () => {
    expect(policyFromFlags({ weights: 'adaptive' }, { origin: 'static' })).toEqual({
      weights: { kind: 'adaptive', slowStartSeconds: 10 },
    });
    expect(policyFromFlags({ slowStart: '0' }, { origin: 'static' }).weights).toEqual({
      kind: 'static',
      slowStartSeconds: 0,
    });
    const error = await failureOf(() => policyFromFlags({ max: '3', cpu: '70%' }, { origin: 'static' }));
    expect([error.code, error.message, error.fix]).toEqual([
      'invalid-spec',
      expect.stringContaining('cannot follow load'),
      expect.stringContaining('--command'),
    ]);
  });

  it.each<readonly [PolicyFlags, string, string]>([
    [{ cpu: '70%' }, '--max: it is missing', '--max N'],
    [{ max: '20' }, '--cpu: there is nothing to scale by', 'cpu 70%'],
    [{ max: '20', cpu: '0.7' }, '--cpu: "0.7" is not per cent', 'write 70%'],
    [{ max: '20', cpu: '70' }, '--cpu: "70" is not per cent', 'write 70%'],
    [{ max: '20', cpu: '99%' }, '--cpu: 0.99 is out of range', ''],
    [{ max: '1', min: '2', cpu: '70%' }, '--max: the most, 1, is less than the fewest, 2', ''],
    [{ max: '20', min: '0', cpu: '70%' }, '--min: without instances nothing would start one again', ''],
    [{ max: '2000', cpu: '70%' }, '--max: 2000 is out of range', ''],
    [{ max: '20', connections: '0' }, '--connections: 0 is out of range', ''],
    [{ max: '20', rate: '-1' }, '--rate: "-1" is not a number above 0', ''],
    [{ max: '1e3', cpu: '70%' }, '--max: "1e3" is not a number of instances', ''],
    [{ max: '20', metricExec: 'q' }, '--metric-exec: the target is missing', '--target N'],
    [{ max: '20', cpu: '70%', target: '3' }, '--target: there is no metric', ''],
    [
      { max: '20', metricExec: 'q', metricHttp: 'http://a/', target: '3' },
      '--metric-http: also --metric-exec',
      'twice',
    ],
    [{ max: '20', metricExec: 'q | wc -l', target: '3' }, '--metric-exec: ', ''],
    [
      { max: '20', metricExec: 'q', metricName: 'cpu', target: '3' },
      '--metric-name: "cpu" is not a name',
      '',
    ],
    [{ max: '20', metricHttp: 'ftp://a/', target: '3' }, '--metric-http: "ftp://a/" is not an address', ''],
    [{ max: '20', metricHttp: 'http://u:p@a/', target: '3' }, '--metric-http: ', ''],
    [
      { max: '20', metricHttp: 'http://a/', target: '3', metricInterval: '500ms' },
      '--metric-interval: 0.5 is out of range',
      '',
    ],
    [{ max: '20', cpu: '70%', downAfter: '5s' }, '--down-after: 5 is out of range', ''],
    [{ max: '20', cpu: '70%', cooldownDown: '30' }, '--cooldown-down: "30" is not a length of time', '30s'],
    [{ slowStart: '2h' }, '--slow-start: 7200 is out of range', ''],
  ])('%j are refused', async (flags, message, fix) => {
    const error = await failureOf(() => managed(flags));
    expect(error.code).toBe('invalid-spec');
    expect(error.message).toContain(message);
    expect(error.why).not.toBe('');
    expect(error.fix).toContain(fix);
  });
});

describe('policies in a spec', () => {
  it('come back from their text as they were, as YAML and as JSON', async () => {
    const text = JSON.stringify(policyObject(FULL), undefined, 2);
    expect(await read(text)).toEqual({ policy: FULL, defects: [] });
    const yaml =
      'weights: equal\nscaling:\n  max: 9\n  cpu: 65%\n  metrics:\n    - {name: q, exec: q --all, target: 0.5}\n';
    const { policy, defects } = await read(yaml);
    expect(defects).toEqual([]);
    expect(policy).toMatchObject({
      weights: { kind: 'equal', slowStartSeconds: 10 },
      scaling: { min: 1, max: 9 },
    });
    expect(await read(JSON.stringify(policyObject(policy ?? {})))).toEqual({ policy, defects: [] });
  });

  it.each([
    ['scaling: {cpu: 70%}', 'policy.scaling.max', 'missing'],
    ['scaling: {max: 3}', 'policy.scaling', 'nothing to scale by'],
    ['scaling: {max: 3, cpu: 0.7}', 'policy.scaling.cpu', 'not per cent'],
    ['scaling: {max: "3", cpu: 70%}', 'policy.scaling.max', 'is not a number of instances'],
    ['scaling: {max: 3, cpu: 70%, mode: watch}', 'policy.scaling.mode', 'not one of them'],
    ['scaling: {max: 3, cpus: 70%}', 'policy.scaling.cpus', 'did you mean cpu'],
    ['scaling: {max: 3, connections: -1}', 'policy.scaling.connections', 'not an amount'],
    [
      'scaling: {max: 3, metrics: [{name: q, target: 1}]}',
      'policy.scaling.metrics[0]',
      'neither exec nor http',
    ],
    [
      'scaling: {max: 3, metrics: [{name: q, target: 1, exec: a, http: "http://a/"}]}',
      'policy.scaling.metrics[0]',
      'both',
    ],
    [
      'scaling: {max: 3, metrics: [{name: q, target: 1, exec: a}, {name: q, target: 1, exec: b}]}',
      'policy.scaling.metrics',
      'twice',
    ],
    [
      'scaling: {max: 3, metrics: [{name: Q, target: 1, exec: a}]}',
      'policy.scaling.metrics.?.name',
      'is not a name',
    ],
    [
      'scaling: {max: 3, metrics: [{name: q, target: 1, exec: a, timeout: 20s}]}',
      'policy.scaling.metrics.q.timeout',
      'longer',
    ],
    ['weights: fair', 'policy.weights', 'not one of them'],
    ['slowStart: 10s', 'policy.slowStart', 'nothing without weights'],
    ['[]', 'policy', 'not allowed here'],
  ])('%s is refused at its field', async (text, field, what) => {
    const { defects } = await read(text);
    expect(defects[0]).toMatchObject({ field, what: expect.stringContaining(what) });
    expect(defects[0]?.allowed).not.toBe('');
  });
});

describe('policies in the store', () => {
  it('are read back, and refused if they hold what no command writes', () => {
    expect(v.parse(policyField, JSON.parse(JSON.stringify(FULL)))).toEqual(FULL);
    expect(() => assertPolicy('service/web', FULL)).not.toThrow();
    const scaling = FULL.scaling;
    const bad = scaling === undefined ? {} : { scaling: { ...scaling, max: Number.MAX_SAFE_INTEGER } };
    expect(() => assertPolicy('service/web', bad)).toThrow(/service\/web.*policy\.scaling\.max/);
    for (const value of [
      { weights: { kind: 'wild', slowStartSeconds: 1 } },
      { scaling: { metrics: [{ kind: 'moon' }] } },
    ])
      expect(v.is(policyField, value)).toBe(false);
  });

  it('keep fields of newer versions as long as they say the same', () => {
    const raw = { policy: { ...FULL, newer: { a: 1 } } };
    expect(keptPolicy(raw, FULL)).toBe(raw.policy);
    expect(keptPolicy(raw, {})).toEqual({});
    expect(keptPolicy(undefined, FULL)).toBe(FULL);
  });

  it('hold a pin with its end', () => {
    expect(v.is(pinField, { replicas: 3, until: '2026-01-31T09:30:00Z' })).toBe(true);
    expect(v.is(pinField, { replicas: -1, until: '2026-01-31T09:30:00Z' })).toBe(false);
    expect(v.is(pinField, { replicas: 3, until: 'tomorrow' })).toBe(false);
  });
});

describe('words of policies', () => {
  it('fit into a table', () => {
    expect(formatPolicy(FULL)).toBe(
      'adaptive, connections 200, cpu 70%, queue 30, rate 50.5, 2-20, recommend',
    );
    expect(formatPolicy({})).toBe('');
  });

  it('say how weights are made where nothing is said', () => {
    expect(weightsPolicyOf(undefined, 'static').kind).toBe('static');
    expect(weightsPolicyOf({}, 'managed').kind).toBe('adaptive');
    expect(weightsPolicyOf(FULL, 'static').kind).toBe('adaptive');
  });

  it.each([
    ['12\n', 12],
    [' 0.5 ', 0.5],
    ['1e3', 1_000],
    ['-1', undefined],
    ['NaN', undefined],
    ['Infinity', undefined],
    ['1e99', undefined],
    ['12 apples', undefined],
    ['0x10', undefined],
    ['', undefined],
  ])('know what a program printed: %j is %j', (text, value) => {
    expect(parseMetricValue(text)).toBe(value);
  });

  it('know per cent', () => {
    expect([parsePercent('5%'), parsePercent('100%'), formatPercent(0.7)]).toEqual([0.05, 1, '70%']);
    for (const text of ['%', '070%', '7.5%', '-1%', '1000%'])
      expect(() => parsePercent(text)).toThrow(/not per cent/);
  });
});
