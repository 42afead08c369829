/**
 * Owns what a spec looks like as JSON, for the OpenAPI document. What reads specs is model/spec.ts, for files and for the API alike: it says
 * where a mistake stands, which a schema cannot. Pure.
 */
import * as v from 'valibot';
import { MAX_ENTRIES, MAX_INSTANCES, MAX_REPLICAS } from '../../model/limits.ts';
import { METRIC_MEANINGS, SCALING_MODES, WEIGHTS_KINDS } from '../../model/policy-scaling.ts';
import { DRIVERS, ON_DEADLINE, STOP_SIGNALS } from '../../model/template-choices.ts';
import { MAX_WEIGHT } from '../../model/weight.ts';
import { serviceParam } from './fields.ts';

const about = (what: string) => v.optional(v.pipe(v.string(), v.description(what)));
const whole = (what: string, max = 1e9) =>
  v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(max), v.description(what)));
const words = v.optional(
  v.pipe(
    v.union([v.string(), v.array(v.string())]),
    v.description('A command line, or its words; no shell reads it'),
  ),
);
const map = (what: string) => v.optional(v.pipe(v.record(v.string(), v.string()), v.description(what)));
const choice = <const T extends readonly string[]>(choices: T, what: string) =>
  v.optional(v.pipe(v.picklist(choices), v.description(what)));

const entry = v.union([
  v.pipe(v.string(), v.description('IP:PORT[/tcp|udp]')),
  v.strictObject({
    ip: v.string(),
    port: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(65_535)),
    protocol: choice(['tcp', 'udp'], 'tcp if not said'),
  }),
]);
const instance = v.union([
  v.pipe(v.string(), v.description('IP:PORT[=WEIGHT]')),
  v.strictObject({ address: v.string(), weight: whole('1 if not said', MAX_WEIGHT) }),
]);

/** All of a probe's fields; which of them a kind has, `sluice help specs` says. */
const probe = v.strictObject({
  kind: choice(['tcp', 'http', 'exec'], 'tcp if not said'),
  send: about('tcp: sent after the connection is up'),
  expect: about('tcp: text that the answer must hold'),
  path: about('http: what is asked for'),
  host: about('http: value of the Host header'),
  status: v.optional(v.union([v.number(), v.string()])),
  command: words,
  interval: about('Between two questions: 2s'),
  timeout: about('How long an answer may take: 1s'),
  successes: whole('So many in a row make it ready'),
  failures: whole('So many in a row make it unready'),
  start: about('How long it may take to be ready: 30s'),
});

/** A template's fields by name. */
const TEMPLATE = {
  driver: choice(DRIVERS, 'process if not said'),
  command: words,
  hooks: v.optional(v.strictObject({ stop: words, status: words })),
  image: about('Of driver podman'),
  env: map('Environment'),
  workingDirectory: about('Absolute'),
  user: about("If not said, the node's policy says it"),
  ports: v.optional(v.pipe(v.union([v.number(), v.string()]), v.description('FROM-TO'))),
  limits: v.optional(
    v.strictObject({
      cpu: v.optional(v.number()),
      memory: v.optional(v.union([v.number(), v.string()])),
      pids: whole('Processes'),
      files: whole('Open files'),
    }),
  ),
  probe: v.optional(probe),
  preStop: v.optional(v.strictObject({ command: words, timeout: about('10s') })),
  stopSignal: choice(STOP_SIGNALS, 'How it is told to end'),
  grace: about('From the signal to KILL: 10s'),
  drain: about('For open connections to end: 60s'),
  onDeadline: choice(ON_DEADLINE, 'What becomes of those that are left'),
  logs: v.optional(
    v.strictObject({ max: v.optional(v.union([v.number(), v.string()])), keep: whole('Rotated files') }),
  ),
  nodeSelector: map('Labels that a node must have'),
};

const amount = (what: string) => v.optional(v.pipe(v.number(), v.description(what)));

const ownMetric = v.strictObject({
  name: v.string(),
  exec: words,
  http: about('URL that answers with one number, instead of exec'),
  target: v.pipe(v.number(), v.description('What there should be of it')),
  as: choice(METRIC_MEANINGS, 'Whether the number is of the whole service or of an average instance'),
  interval: about('Between two questions: 10s'),
  timeout: about('How long an answer may take'),
});

const policy = v.strictObject({
  weights: choice(WEIGHTS_KINDS, 'Where weights come from'),
  slowStart: about('A new instance gets its full share after: 10s'),
  scaling: v.optional(
    v.strictObject({
      min: whole('Fewest instances', MAX_REPLICAS),
      max: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(MAX_REPLICAS)),
      cpu: v.optional(
        v.pipe(v.union([v.number(), v.string()]), v.description('Part of what an instance may use: 70%')),
      ),
      connections: amount('Established connections an instance'),
      rate: amount('New connections a second and instance'),
      metrics: v.optional(v.array(ownMetric)),
      mode: choice(SCALING_MODES, 'Whether decisions are carried out'),
      downAfter: about('Fewer only after fewer were enough for so long: 5m'),
      cooldownUp: about('Between two increases'),
      cooldownDown: about('Between two decreases'),
    }),
  ),
});

/** A service as in a spec file. */
export const specBody = v.strictObject({
  kind: v.literal('Service'),
  name: serviceParam,
  entries: v.pipe(
    v.array(entry),
    v.minLength(1),
    v.maxLength(MAX_ENTRIES),
    v.description('What clients dial'),
  ),
  instances: v.optional(
    v.pipe(v.array(instance), v.maxLength(MAX_INSTANCES), v.description('The full set; [] for none')),
  ),
  replicas: whole('With a template: how many instances', MAX_REPLICAS),
  template: v.optional(v.pipe(v.strictObject(TEMPLATE), v.description('What Sluice starts'))),
  registry: about('Instead of instances or a template: the app whose registrations are its instances'),
  masquerade: v.optional(v.pipe(v.boolean(), v.description("Instances see the nodes' addresses as clients"))),
  affinity: about('none or client-ip=30m'),
  announce: v.optional(v.pipe(v.boolean(), v.description('One node at a time answers neighbours'))),
  policy: v.optional(v.pipe(policy, v.description('How weights and numbers follow load'))),
});
