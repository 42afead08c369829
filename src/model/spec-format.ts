/** Owns specs as text: the canonical file of a service, which reads back to the same spec. Pure. */
import { compareAddresses } from './address.ts';
import { formatAffinity } from './affinity.ts';
import { compareEntries, formatEntry } from './entry.ts';
import { formatInstanceArgument } from './instance-argument.ts';
import type { Instance, Service, ServiceSpec } from './service.ts';

/** A spec as the JSON object of a file; fields in the order of the documentation. */
interface SpecObject {
  readonly kind: 'Service';
  readonly name: string;
  readonly entries: readonly string[];
  readonly instances: readonly string[];
  readonly masquerade: boolean;
  readonly affinity?: string;
  readonly announce?: true;
}

/** The spec as a JSON object in canonical order. */
function specObject(spec: ServiceSpec): SpecObject {
  return {
    kind: 'Service',
    name: spec.name,
    entries: spec.entries.toSorted(compareEntries).map(formatEntry),
    instances: spec.instances.toSorted(compareAddresses).map(formatInstanceArgument),
    masquerade: spec.masquerade,
    ...(spec.affinitySeconds === undefined ? {} : { affinity: formatAffinity(spec.affinitySeconds) }),
    ...(spec.announce === true ? { announce: true } : {}),
  };
}

/** The spec that a stored service would be published from: its static instances. */
export function specOf(service: Service, instances: readonly Instance[]): ServiceSpec {
  const { name, entries, masquerade, affinitySeconds, announce } = service;
  const listed = instances.filter(({ origin }) => origin === 'static');
  return {
    name,
    entries,
    masquerade,
    ...(affinitySeconds === undefined ? {} : { affinitySeconds }),
    ...(announce === true ? { announce } : {}),
    instances: listed.map(({ ip, port, weight }) => ({ ip, port, weight })).toSorted(compareAddresses),
  };
}

/** Text is always quoted: names such as `null` or `1e3` and addresses would else be read as something else by some YAML. */
function yamlList(field: string, items: readonly string[]): string {
  if (items.length === 0) return `${field}: []\n`;
  return `${field}:\n${items.map((item) => `  - ${JSON.stringify(item)}\n`).join('')}`;
}

/** A spec as a YAML document or as JSON in several lines; ends with a line break. Join several YAML ones with `---\n`. */
export function formatSpec(spec: ServiceSpec, format: 'yaml' | 'json' = 'yaml'): string {
  const object = specObject(spec);
  if (format === 'json') return `${JSON.stringify(object, undefined, 2)}\n`;
  const head = `kind: ${object.kind}\nname: ${JSON.stringify(object.name)}\n`;
  const lists = `${yamlList('entries', object.entries)}${yamlList('instances', object.instances)}`;
  const affinity = object.affinity === undefined ? '' : `affinity: ${JSON.stringify(object.affinity)}\n`;
  const announce = object.announce === undefined ? '' : 'announce: true\n';
  return `${head}${lists}masquerade: ${object.masquerade}\n${affinity}${announce}`;
}
