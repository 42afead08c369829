/**
 * Owns the schemas of services, instances and nodes as they are answered: those of `list -o json`. A field more or less in the read models
 * is an error of types here. Pure.
 */
import * as v from 'valibot';
import { INSTANCE_STATES, ORIGINS } from '../../model/service.ts';
import type { InstanceItem, NodeItem, ServiceItem } from '../../ops/views.ts';
import {
  count,
  drainOrder,
  type FieldsOf,
  flag,
  fraction,
  number,
  oneOf,
  revision,
  text,
  texts,
  time,
} from './answer-fields.ts';
import { scalingPin } from './answer-policies.ts';

/** A service. */
export const serviceItem = v.object({
  name: text('Its name'),
  entries: texts('Virtual IP:PORT/proto that clients dial'),
  origin: oneOf(ORIGINS, 'Where its instances come from'),
  masquerade: flag("Instances see the nodes' addresses as clients"),
  affinity: text('`none` or `client-ip=3h`'),
  announce: flag('One node at a time answers neighbours for the entries'),
  announcers: v.array(v.object({ ip: text('An address'), node: v.optional(text('Who answers for it')) })),
  registry: v.optional(text('App whose registrations are its instances; only of registered services')),
  replicas: v.optional(count('How many instances there shall be; only of managed services')),
  templateHash: v.optional(text('Hash of what each instance shall run; only of managed services')),
  instances: count('How many instances there are'),
  ready: count('How many of them get new connections'),
  nodesApplied: count('Live nodes that forward as this revision says'),
  nodesTotal: count('Live nodes'),
  policy: text('How connections are divided, and how the number of instances follows load'),
  pin: v.optional(scalingPin),
  revision,
  createdAt: time('When it was published first'),
  ageSeconds: number('Seconds since then'),
} satisfies FieldsOf<ServiceItem>);

/** An instance. */
export const instanceItem = v.object({
  service: text('Its service'),
  id: text('Its id; of a listed one its address'),
  address: text('IP:PORT'),
  ip: text('Its IP'),
  port: count('Its port; 0: it has none yet'),
  weight: count('Its relative share'),
  share: fraction('Its part of the new connections of its service'),
  origin: oneOf(ORIGINS, 'Where it comes from'),
  state: oneOf(INSTANCE_STATES, 'How it is'),
  ready: flag('It gets new connections'),
  node: v.optional(text('Where it runs')),
  stateSince: v.optional(time('Since when it is so')),
  why: v.optional(text('Why it is so')),
  restarts: v.optional(count('Starts after the first')),
  templateHash: v.optional(text('Hash of what it runs')),
  current: v.optional(flag("It runs its service's present template")),
  drain: v.optional(drainOrder),
  revision,
  createdAt: time('When it came to be'),
  ageSeconds: number('Seconds since then'),
} satisfies FieldsOf<InstanceItem>);

/** A node. */
export const nodeItem = v.object({
  name: text('Its name'),
  alive: flag('Its agent renews its lease'),
  aliveSince: v.optional(time('Since when')),
  lastHeardAt: v.optional(time('When a silent one was last heard of')),
  silentSeconds: v.optional(number('Seconds since then')),
  reachedBy: texts('Other nodes that have an answer from its machine'),
  outOfReachOf: texts(
    'Other nodes that had answers from its machine and have none now: its instances get no connections',
  ),
  addresses: texts('Its addresses'),
  cpus: v.optional(number('Cores')),
  memoryBytes: v.optional(count('Memory')),
  version: v.optional(text('Of its agent')),
  kernel: v.optional(text('Its kernel')),
  dataplane: v.optional(text('Layout of its rules')),
  startedAt: v.optional(time('When its agent started')),
  labels: v.record(v.string(), v.string()),
  drivers: v.optional(texts('What can run instances there')),
  missingDrivers: texts('What cannot, and why: NAME: why'),
  cordoned: flag('Nothing new is placed there'),
  drain: v.optional(drainOrder),
  appliedRevision: v.optional(count('Revision that its rules show')),
  appliedAt: v.optional(time('When they were written')),
  rulesHash: v.optional(text('Hash of its rules')),
  entries: v.optional(count('Entries in its rules')),
  instances: v.optional(count('Instances in its rules')),
  failures: texts('What could not be applied'),
} satisfies FieldsOf<NodeItem>);
