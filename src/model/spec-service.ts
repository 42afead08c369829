/** Owns reading one service out of a spec's tree, with every defect at its place. Pure. */
import { compareAddresses } from './address.ts';
import { compareEntries, type Entry } from './entry.ts';
import { MAX_ENTRIES, MAX_INSTANCES, MAX_REPLICAS } from './limits.ts';
import { isName, NAME_RULE } from './name.ts';
import { type RuleBreak, serviceBreaks } from './service-rules.ts';
import type { InstanceSpec, ServiceSpec } from './service.ts';
import { type FieldReader, flagAt, listAt, mapAt, numberAt, showNode, textAt } from './spec-fields.ts';
import { parseApp } from './registration-app.ts';
import { parsed, readAffinity, readEntry, readInstance } from './spec-items.ts';
import { readPolicy } from './spec-policy.ts';
import { readTemplate } from './spec-template.ts';
import type { SpecNode } from './spec-tree.ts';

const SERVICE_FIELDS = [
  'kind',
  'name',
  'entries',
  'instances',
  'registry',
  'replicas',
  'template',
  'masquerade',
  'affinity',
  'announce',
  'policy',
];
const REPLICAS_RULE = { min: 0, max: MAX_REPLICAS, is: 'a number of instances' };

/** An item that was read, with its place, so that rules between items can point at it. */
interface Placed<T> {
  readonly value: T;
  readonly index: number;
  readonly node: SpecNode;
}

function readList<T>(
  reader: FieldReader,
  node: SpecNode | undefined,
  how: { readonly cap: number; readonly read: (reader: FieldReader, node: SpecNode) => T | undefined },
): readonly Placed<T>[] {
  const items = node === undefined ? undefined : listAt(reader, node, how.cap);
  return (items ?? []).flatMap((item, index): readonly Placed<T>[] => {
    const value = how.read(reader.item(index), item);
    return value === undefined ? [] : [{ value, index, node: item }];
  });
}

function readKind(reader: FieldReader, node: SpecNode | undefined): void {
  if (node === undefined || (node.kind === 'text' && node.text === 'Service')) return;
  reader.report({
    at: node.at,
    field: reader.path,
    value: showNode(node),
    what: `${showNode(node)} is not a kind`,
    allowed: 'Service',
  });
}

function readName(reader: FieldReader, node: SpecNode | undefined): string | undefined {
  const text = node === undefined ? undefined : textAt(reader, node, NAME_RULE);
  if (node === undefined || text === undefined || isName(text)) return text;
  reader.report({
    at: node.at,
    field: reader.path,
    value: showNode(node),
    what: `${showNode(node)} is not a name`,
    allowed: NAME_RULE,
  });
  return undefined;
}

/** Reports the rules between parts that do not hold, at the items that break them. */
function reportBreaks(
  reader: FieldReader,
  entries: readonly Placed<Entry>[],
  instances: readonly Placed<InstanceSpec>[],
): void {
  const breaks = serviceBreaks({
    entries: entries.map(({ value }) => value),
    instances: instances.map(({ value }) => value),
  });
  const placeOf = ({ part, index }: RuleBreak): Placed<unknown> | undefined =>
    index === undefined ? undefined : (part === 'entries' ? entries : instances)[index];
  for (const found of breaks) {
    const place = placeOf(found);
    // Lists that are too long or too short were reported where they stand.
    if (place === undefined) continue;
    reader.report({
      at: place.node.at,
      field: reader.within(found.part).item(place.index).path,
      value: showNode(place.node),
      what: found.what,
      allowed: found.allowed,
    });
  }
}

/** What is said of managed instances: a template and replicas, and then no listed instances. */
function readManaged(
  reader: FieldReader,
  valueOf: (name: string) => SpecNode | undefined,
): Pick<ServiceSpec, 'template' | 'replicas'> {
  const [templateNode, replicasNode] = [valueOf('template'), valueOf('replicas')];
  const replicas =
    replicasNode === undefined ? undefined : numberAt(reader.within('replicas'), replicasNode, REPLICAS_RULE);
  if (templateNode === undefined) {
    if (replicasNode !== undefined) {
      const what = 'there is nothing to run: the field template is missing';
      const allowed = 'replicas together with template; listed instances need neither';
      reader.report({ at: replicasNode.at, field: 'replicas', value: showNode(replicasNode), what, allowed });
    }
    return {};
  }
  const listed = valueOf('instances');
  if (listed?.kind === 'list' && listed.items.length > 0) {
    const what = 'a service has either listed instances or a template';
    const allowed = 'without template: instances; with template: replicas';
    const fix = 'remove instances or template';
    reader.report({ at: listed.at, field: 'instances', value: 'a list', what, allowed, fix });
  }
  const template = readTemplate(reader.within('template'), templateNode);
  return { ...(template === undefined ? {} : { template }), ...(replicas === undefined ? {} : { replicas }) };
}

/** Policies; the number of instances follows load only where sluice starts them. */
function readPolicyOf(
  reader: FieldReader,
  node: SpecNode | undefined,
  isManaged: boolean,
): ServiceSpec['policy'] {
  const policy = node === undefined ? undefined : readPolicy(reader.within('policy'), node);
  if (node === undefined || policy?.scaling === undefined || isManaged) return policy;
  const what = 'instances that sluice does not start do not come and go with load';
  const field = reader.within('policy').within('scaling').path;
  reader.report({ at: node.at, field, value: 'a map', what, allowed: 'scaling together with template' });
  return undefined;
}

/** The app that a service draws from, and then nothing else that brings instances. */
function readRegistry(
  reader: FieldReader,
  valueOf: (name: string) => SpecNode | undefined,
): string | undefined {
  const node = valueOf('registry');
  if (node === undefined) return undefined;
  const field = reader.within('registry');
  const other = ['instances', 'template'].find((name) => {
    const value = valueOf(name);
    return value !== undefined && !(value.kind === 'list' && value.items.length === 0);
  });
  if (other !== undefined) {
    const allowed = 'one of instances, registry and template';
    const what = `a service has either registry or ${other}`;
    field.report({ at: node.at, field: 'registry', value: showNode(node), what, allowed });
    return undefined;
  }
  const text = textAt(field, node, 'the name of an app');
  return text === undefined ? undefined : parsed(field, node, () => parseApp(text, 'registry'));
}

/**
 * Reads one service; everything wrong goes to `reader.report`.
 * @returns the service with entries and instances in canonical order; undefined, or not to be used, if anything was reported
 */
export function readService(reader: FieldReader, node: SpecNode): ServiceSpec | undefined {
  const listsNone = node.kind === 'map' && (node.fields.has('template') || node.fields.has('registry'));
  const fields = mapAt(reader, node, {
    known: SERVICE_FIELDS,
    required: ['kind', 'name', 'entries', ...(listsNone ? [] : ['instances'])],
    is: 'a service: a map of kind, name, entries and instances, registry or template',
  });
  if (fields === undefined) return undefined;
  const valueOf = (name: string): SpecNode | undefined => fields.get(name)?.value;
  readKind(reader.within('kind'), valueOf('kind'));
  const name = readName(reader.within('name'), valueOf('name'));
  const entries = readList(reader.within('entries'), valueOf('entries'), {
    cap: MAX_ENTRIES,
    read: readEntry,
  });
  const instances = readList(reader.within('instances'), valueOf('instances'), {
    cap: MAX_INSTANCES,
    read: readInstance,
  });
  const entriesNode = valueOf('entries');
  if (entriesNode?.kind === 'list' && entriesNode.items.length === 0) {
    const allowed = `1 to ${MAX_ENTRIES} entries a service`;
    reader.report({
      at: entriesNode.at,
      field: 'entries',
      value: 'an empty list',
      what: 'a service needs an entry',
      allowed,
    });
  }
  reportBreaks(reader, entries, instances);
  const flagOf = (field: string): boolean | undefined => {
    const value = valueOf(field);
    return value === undefined ? undefined : flagAt(reader.within(field), value);
  };
  const announce = flagOf('announce');
  const masquerade = flagOf('masquerade');
  const affinity = valueOf('affinity');
  const seconds = affinity === undefined ? undefined : readAffinity(reader.within('affinity'), affinity);
  const managed = readManaged(reader, valueOf);
  const policy = readPolicyOf(reader, valueOf('policy'), valueOf('template') !== undefined);
  const registry = readRegistry(reader, valueOf);
  if (name === undefined) return undefined;
  return {
    name,
    entries: entries.map(({ value }) => value).toSorted(compareEntries),
    instances: instances.map(({ value }) => value).toSorted(compareAddresses),
    masquerade: masquerade ?? announce ?? false,
    ...(seconds === undefined ? {} : { affinitySeconds: seconds }),
    ...(announce === true ? { announce } : {}),
    ...(registry === undefined ? {} : { registry }),
    ...managed,
    ...(policy === undefined ? {} : { policy }),
  };
}
