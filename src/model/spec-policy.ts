/** Owns reading policies out of a spec's tree, with every defect at its place. Pure. */
import { parsePercent } from './percent.ts';
import { MAX_METRICS, policyBreaks } from './policy-rules.ts';
import {
  DEFAULT_SLOW_START_SECONDS,
  METRIC_DEFAULTS,
  METRIC_MEANINGS,
  SCALING_DEFAULTS,
  SCALING_MODES,
  type ScalingMetric,
  type ScalingPolicy,
  type ServicePolicy,
  sortMetrics,
  WEIGHTS_KINDS,
} from './policy-scaling.ts';
import { type FieldReader, listAt, numberAt, textAt } from './spec-fields.ts';
import { parsed } from './spec-items.ts';
import type { SpecNode } from './spec-tree.ts';
import { decimal, fieldsIn, oneOf, type Read, seconds, text, words } from './spec-values.ts';

const POLICY_FIELDS = ['weights', 'slowStart', 'scaling'];
const SCALING_FIELDS = [
  'min',
  'max',
  'cpu',
  'connections',
  'rate',
  'metrics',
  'mode',
  'downAfter',
  'cooldownUp',
  'cooldownDown',
];
const METRIC_FIELDS = ['name', 'exec', 'http', 'target', 'as', 'interval', 'timeout'];

const percent: Read<number> = (reader, node) => {
  const typed = node.kind === 'number' ? node.text : textAt(reader, node, 'per cent: 70%');
  return typed === undefined ? undefined : parsed(reader, node, () => parsePercent(typed, reader.path));
};

/** A count within the widest bounds; the rules know the narrower ones. */
const count: Read<number> = (reader, node) =>
  numberAt(reader, node, { min: 0, max: 1e9, is: 'a number of instances' });

const amount = decimal({ digits: 12, is: 'an amount', such: '200 or 0.5' });

const ownMetric: Read<ScalingMetric> = (reader, node) => {
  const at = fieldsIn(reader, node, { known: METRIC_FIELDS, required: ['name', 'target'] });
  if (at === undefined) return undefined;
  const [command, url] = [at('exec', words(64)), at('http', text)];
  const [name, target] = [at('name', text), at('target', amount)];
  const intervalSeconds = at('interval', seconds) ?? METRIC_DEFAULTS.intervalSeconds;
  const more = {
    as: at('as', oneOf(METRIC_MEANINGS)) ?? METRIC_DEFAULTS.as,
    intervalSeconds,
    timeoutSeconds: at('timeout', seconds) ?? Math.min(METRIC_DEFAULTS.timeoutSeconds, intervalSeconds),
  };
  if ((command === undefined) === (url === undefined)) {
    const what = `${command === undefined ? 'neither' : 'both'} exec ${command === undefined ? 'nor' : 'and'} http is there`;
    const allowed = 'exec, a command that prints a number, or http, an address that answers with one';
    reader.report({ at: node.at, field: reader.path, what, allowed });
    return undefined;
  }
  if (name === undefined || target === undefined) return undefined;
  const common = { name, target, ...more };
  if (command !== undefined) return { kind: 'exec', ...common, command };
  return url === undefined ? undefined : { kind: 'http', ...common, url };
};

const ownMetrics: Read<readonly ScalingMetric[]> = (reader, node) =>
  listAt(reader, node, MAX_METRICS)?.flatMap((item, index) => ownMetric(reader.item(index), item) ?? []);

const scaling: Read<ScalingPolicy> = (reader, node) => {
  const at = fieldsIn(reader, node, { known: SCALING_FIELDS, required: ['max'] });
  if (at === undefined) return undefined;
  const [cpu, connections, rate] = [at('cpu', percent), at('connections', amount), at('rate', amount)];
  const metrics: readonly ScalingMetric[] = [
    ...(cpu === undefined ? [] : [{ kind: 'cpu', name: 'cpu', target: cpu } as const]),
    ...(connections === undefined
      ? []
      : [{ kind: 'connections', name: 'connections', target: connections } as const]),
    ...(rate === undefined ? [] : [{ kind: 'rate', name: 'rate', target: rate } as const]),
    ...(at('metrics', ownMetrics) ?? []),
  ];
  const max = at('max', count);
  if (max === undefined) return undefined;
  return {
    min: at('min', count) ?? SCALING_DEFAULTS.min,
    max,
    metrics: sortMetrics(metrics),
    mode: at('mode', oneOf(SCALING_MODES)) ?? SCALING_DEFAULTS.mode,
    downAfterSeconds: at('downAfter', seconds) ?? SCALING_DEFAULTS.downAfterSeconds,
    cooldownUpSeconds: at('cooldownUp', seconds) ?? SCALING_DEFAULTS.cooldownUpSeconds,
    cooldownDownSeconds: at('cooldownDown', seconds) ?? SCALING_DEFAULTS.cooldownDownSeconds,
  };
};

/**
 * Reads the field `policy`; everything wrong goes to `reader.report`.
 * @returns the policies with defaults; undefined, or not to be used, if anything was reported
 */
export function readPolicy(reader: FieldReader, node: SpecNode): ServicePolicy | undefined {
  let reported = false;
  const report: FieldReader['report'] = (defect) => {
    reported = true;
    reader.report(defect);
  };
  const at = fieldsIn(reader.with(report), node, { known: POLICY_FIELDS });
  const kind = at?.('weights', oneOf(WEIGHTS_KINDS));
  const slowStart = at?.('slowStart', seconds);
  const scales = at?.('scaling', scaling);
  if (at === undefined || reported) return undefined;
  if (kind === undefined && slowStart !== undefined) {
    const what = 'it says nothing without weights';
    reader.report({
      at: node.at,
      field: reader.within('slowStart').path,
      what,
      allowed: 'together with weights',
    });
    return undefined;
  }
  const weights =
    kind === undefined ? undefined : { kind, slowStartSeconds: slowStart ?? DEFAULT_SLOW_START_SECONDS };
  const policy: ServicePolicy = {
    ...(weights === undefined ? {} : { weights }),
    ...(scales === undefined ? {} : { scaling: scales }),
  };
  for (const { field, what, allowed, fix } of policyBreaks(policy))
    reader.report({ at: node.at, field: reader.within(field).path, what, allowed, fix });
  return policy;
}
