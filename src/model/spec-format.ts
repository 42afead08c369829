/** Owns specs as text: the canonical file of a service, which reads back to the same spec. Pure. */
import { compareAddresses } from './address.ts';
import { formatAffinity } from './affinity.ts';
import { compareEntries, formatEntry } from './entry.ts';
import { type PolicyObject, policyObject } from './policy-format.ts';
import { formatInstanceArgument } from './instance-argument.ts';
import type { Instance, Service, ServiceSpec } from './service.ts';
import { type TemplateWords, templateWords } from './template-words.ts';

/** A spec as the JSON object of a file; fields in the order of the documentation. */
interface SpecObject {
  readonly kind: 'Service';
  readonly name: string;
  readonly entries: readonly string[];
  readonly instances?: readonly string[];
  readonly registry?: string;
  readonly replicas?: number;
  readonly template?: TemplateWords;
  readonly masquerade: boolean;
  readonly affinity?: string;
  readonly announce?: true;
  readonly policy?: PolicyObject;
}

/** The spec as a JSON object in canonical order. */
function specObject(spec: ServiceSpec): SpecObject {
  const { template, replicas, registry } = spec;
  const managed = {
    ...(replicas === undefined ? {} : { replicas }),
    ...(template === undefined ? {} : { template: templateWords(template) }),
  };
  const listed = { instances: spec.instances.toSorted(compareAddresses).map(formatInstanceArgument) };
  return {
    kind: 'Service',
    name: spec.name,
    entries: spec.entries.toSorted(compareEntries).map(formatEntry),
    ...(template === undefined ? (registry === undefined ? listed : { registry }) : managed),
    masquerade: spec.masquerade,
    ...(spec.affinitySeconds === undefined ? {} : { affinity: formatAffinity(spec.affinitySeconds) }),
    ...(spec.announce === true ? { announce: true } : {}),
    ...(spec.policy === undefined ? {} : { policy: policyObject(spec.policy) }),
  };
}

/** The spec that a stored service would be published from: its static instances, or its template. */
export function specOf(service: Service, instances: readonly Instance[]): ServiceSpec {
  const { name, entries, masquerade, affinitySeconds, announce, registry, replicas, template, policy } =
    service;
  const listed = instances.filter(({ origin }) => origin === 'static');
  return {
    name,
    entries,
    masquerade,
    ...(affinitySeconds === undefined ? {} : { affinitySeconds }),
    ...(announce === true ? { announce } : {}),
    ...(registry === undefined ? {} : { registry }),
    ...(template === undefined ? {} : { template, replicas }),
    ...(policy === undefined ? {} : { policy }),
    instances: listed.map(({ ip, port, weight }) => ({ ip, port, weight })).toSorted(compareAddresses),
  };
}

/** Text is always quoted: names such as `null` or `1e3` and addresses would else be read as something else by some YAML. */
function yamlList(field: string, items: readonly string[]): string {
  if (items.length === 0) return `${field}: []\n`;
  return `${field}:\n${items.map((item) => `  - ${JSON.stringify(item)}\n`).join('')}`;
}

/** Each field of a template on a line of its own, its value as JSON, which YAML reads too. */
function instancesYaml({ instances, registry, replicas, template }: SpecObject): string {
  if (registry !== undefined) return `registry: ${JSON.stringify(registry)}\n`;
  if (template === undefined) return yamlList('instances', instances ?? []);
  const lines = Object.entries(template).map(([name, value]) => `  ${name}: ${JSON.stringify(value)}\n`);
  return `${replicas === undefined ? '' : `replicas: ${replicas}\n`}template:\n${lines.join('')}`;
}

/** A spec as a YAML document or as JSON in several lines; ends with a line break. Join several YAML ones with `---\n`. */
export function formatSpec(spec: ServiceSpec, format: 'yaml' | 'json' = 'yaml'): string {
  const object = specObject(spec);
  if (format === 'json') return `${JSON.stringify(object, undefined, 2)}\n`;
  const head = `kind: ${object.kind}\nname: ${JSON.stringify(object.name)}\n`;
  const lists = yamlList('entries', object.entries) + instancesYaml(object);
  const affinity = object.affinity === undefined ? '' : `affinity: ${JSON.stringify(object.affinity)}\n`;
  const announce = object.announce === undefined ? '' : 'announce: true\n';
  const policy = object.policy === undefined ? '' : `policy: ${JSON.stringify(object.policy)}\n`;
  return `${head}${lists}masquerade: ${object.masquerade}\n${affinity}${announce}${policy}`;
}
