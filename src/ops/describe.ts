/** Owns `describe`: everything about one thing. */
import { collectPaced } from '../model/pace.ts';
import { policyObject } from '../model/policy-format.ts';
import type { Reference } from '../model/reference.ts';
import { templateWords } from '../model/template-words.ts';
import { type ClusterRead, readCluster } from './cluster-read.ts';
import type { ReadDeps } from './deps.ts';
import {
  allInstanceItems,
  instanceItems,
  nodeItems,
  nodeProgress,
  serviceRevision,
  serviceViewer,
} from './items.ts';
import { lastDecisions } from './last-decisions.ts';
import { lastChangeOf } from './last-change.ts';
import type { ReadOptions } from './list.ts';
import { notFound, serviceNotFound } from './not-found.ts';
import type {
  Description,
  InstanceDescription,
  InvalidRecord,
  NodeDescription,
  ServiceDescription,
  ServiceItem,
} from './views.ts';

/** A description at one store revision. */
export interface DescriptionView {
  readonly revision: number;
  readonly description: Description;
  readonly invalid: readonly InvalidRecord[];
}

interface Reading {
  readonly deps: ReadDeps;
  readonly read: ClusterRead;
  readonly options: ReadOptions;
}

async function serviceItem({ deps, read, options }: Reading, name: string): Promise<ServiceItem> {
  const item = serviceViewer(read, deps.clock.now())(name);
  if (item === undefined) throw await serviceNotFound(deps.store, [name], options);
  return item;
}

async function describeService(reading: Reading, name: string): Promise<ServiceDescription> {
  const { deps, read, options } = reading;
  const stored = read.snapshot.services.get(name);
  const template = stored?.value.template;
  return {
    kind: 'service',
    service: await serviceItem(reading, name),
    instances: instanceItems(read, name, deps.clock.now()),
    nodes: nodeProgress(read.nodes, serviceRevision(read, name)),
    policies: policyObject(stored?.value.policy ?? {}),
    template: template === undefined ? undefined : templateWords(template),
    decisions: template === undefined ? [] : await lastDecisions(deps.store, name, options),
    lastChange: stored === undefined ? undefined : await lastChangeOf(deps.store, stored, options),
  };
}

async function describeInstance(
  reading: Reading,
  reference: Extract<Reference, { kind: 'instance' }>,
): Promise<InstanceDescription> {
  const { deps, read } = reading;
  const service = await serviceItem(reading, reference.service);
  const instances = instanceItems(read, reference.service, deps.clock.now());
  const instance = instances.find(({ id }) => id === reference.id);
  if (instance !== undefined) return { kind: 'instance', instance, service };
  throw notFound({
    what: `instance ${JSON.stringify(reference.id)} of service ${JSON.stringify(reference.service)}`,
    word: reference.id,
    known: instances.map(({ id }) => id),
    command: `sluice describe ${reference.service}`,
  });
}

async function describeNode({ deps, read }: Reading, name: string): Promise<NodeDescription> {
  const nodes = nodeItems(read.nodes, deps.clock.now());
  const node = nodes.find((one) => one.name === name);
  if (node === undefined) {
    const known = nodes.map((one) => one.name);
    throw notFound({
      what: `node ${JSON.stringify(name)}`,
      word: name,
      known,
      command: 'sluice list nodes',
    });
  }
  const all = await collectPaced(allInstanceItems(read, deps.clock.now()), deps.reading?.pace);
  const instances = all.filter((one) => one.node === name);
  return { kind: 'node', node, instances };
}

async function describeIn(reading: Reading, reference: Reference): Promise<Description> {
  if (reference.kind === 'service') return describeService(reading, reference.service);
  if (reference.kind === 'instance') return describeInstance(reading, reference);
  return describeNode(reading, reference.node);
}

/**
 * Describes a service, an instance or a node.
 * @throws SluiceError `not-found` (details.names: what there is, for did-you-mean), `unavailable`, `permission`
 */
export async function describe(
  deps: ReadDeps,
  reference: Reference,
  options: ReadOptions = {},
): Promise<DescriptionView> {
  const service = reference.kind === 'node' ? undefined : reference.service;
  const read = await readCluster(deps.store, { ...options, service, ...deps.reading });
  const description = await describeIn({ deps, read, options }, reference);
  return { revision: read.revision, description, invalid: read.invalid };
}
