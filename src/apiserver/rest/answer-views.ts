/** Owns the schemas of descriptions and of the status, as answered: those of `describe -o json` and `status -o json`. Pure. */
import * as v from 'valibot';
import type { Decision, Leader } from '../../model/decision.ts';
import type { Finding } from '../../ops/findings.ts';
import type { StatusReport } from '../../ops/status.ts';
import type {
  InstanceDescription,
  LastChange,
  NodeDescription,
  NodeProgress,
  ServiceDescription,
} from '../../ops/views.ts';
import {
  count,
  type FieldsOf,
  flag,
  number,
  oneOf,
  reference,
  revision,
  text,
  texts,
  time,
} from './answer-fields.ts';
import { instanceItem, nodeItem, serviceItem } from './answer-items.ts';
import { policies, scalingOutcome } from './answer-policies.ts';

const decision = v.object({
  at: time('When'),
  service: text('About which service'),
  what: text('What was done, or not'),
  why: text('Why'),
  done: flag('False: it was decided not to do it'),
  instance: v.optional(text('About which instance')),
  node: v.optional(text('About which node')),
  by: text('Node of the leader that decided'),
  scaling: v.optional(scalingOutcome),
} satisfies FieldsOf<Decision>);

const lastChange = v.object({
  at: time('When'),
  actor: text('Who'),
  host: text('From where'),
  command: text('The command, or the request'),
  reason: v.optional(text('Why')),
  requestId: text('Names its record'),
  revision,
} satisfies FieldsOf<LastChange>);

const progress = v.object({
  node: text('A node'),
  alive: flag('Its agent renews its lease'),
  appliedRevision: v.optional(count('Revision that its rules show')),
  appliedAt: v.optional(time('When they were written')),
  current: flag("That is the service's revision or a later one"),
  failures: texts('What could not be applied'),
} satisfies FieldsOf<NodeProgress>);

/** An item of a DescriptionList. */
export const descriptionItem = v.variant('kind', [
  v.object({
    kind: v.literal('service'),
    service: serviceItem,
    instances: v.array(instanceItem),
    nodes: v.array(progress),
    lastChange: v.optional(lastChange),
    template: v.optional(v.pipe(v.record(v.string(), v.unknown()), v.description('As in a spec file'))),
    policies,
    decisions: v.array(decision),
  } satisfies FieldsOf<ServiceDescription>),
  v.object({
    kind: v.literal('instance'),
    instance: instanceItem,
    service: serviceItem,
  } satisfies FieldsOf<InstanceDescription>),
  v.object({
    kind: v.literal('node'),
    node: nodeItem,
    instances: v.array(instanceItem),
  } satisfies FieldsOf<NodeDescription>),
]);

const leader = v.object({
  node: text('Its node'),
  host: text('Its machine'),
  pid: count('Its process'),
  since: time('Since when'),
  mode: v.optional(oneOf(['recommend'], 'It only says what it would do')),
  protection: v.optional(
    v.object({
      why: text('Self-preservation: why nothing follows from silence now'),
      ends: text('What ends that'),
    }),
  ),
} satisfies FieldsOf<Leader>);

const finding = v.object({
  severity: oneOf(['error', 'warn'], 'How bad it is'),
  code: text('A word for programs'),
  ref: text('What it is about'),
  text: text('One line for people'),
} satisfies FieldsOf<Finding>);

const endpoint = v.object({
  endpoint: text('A server of the store'),
  healthy: flag('It is followed'),
  latencyMs: v.optional(number('Milliseconds of a read')),
  revision: v.optional(revision),
  version: v.optional(text('Its version')),
  error: v.optional(text('What is wrong')),
});

/** The item of a Status. */
export const statusItem = v.object({
  at: time('When'),
  store: v.object({
    description: text('Where it is'),
    reachable: flag('It was read'),
    revision: v.optional(revision),
    latencyMs: v.optional(number('Milliseconds of a read')),
    endpoints: v.array(endpoint),
    error: v.optional(text('Why it could not be read')),
  } satisfies FieldsOf<StatusReport['store']>),
  agents: v.object({ reporting: count('Agents that are alive'), total: count('Nodes ever seen') }),
  leader: v.optional(leader),
  nodes: v.array(nodeItem),
  services: v.array(serviceItem),
  findings: v.array(finding),
  healthy: flag('No finding is an error'),
  invalid: v.array(v.object({ key: reference, why: text('Why it cannot be read') })),
  // `local` is what a command on a node finds there; a server has none.
} satisfies FieldsOf<Omit<StatusReport, 'local'>>);
