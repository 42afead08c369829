/** Owns reading entries and instances out of a spec's tree, in both their spellings. Pure. */
import { SluiceError } from '../errors.ts';
import { canonicalIp, parseAddress, type Protocol } from './address.ts';
import { AFFINITY_RULE, parseAffinity } from './affinity.ts';
import { type Entry, parseEntry } from './entry.ts';
import { DEFAULT_WEIGHT, parseInstanceArgument } from './instance-argument.ts';
import type { InstanceSpec } from './service.ts';
import { type FieldReader, mapAt, numberAt, showNode, textAt } from './spec-fields.ts';
import type { SpecNode } from './spec-tree.ts';
import { MAX_WEIGHT } from './weight.ts';

const ENTRY_FIELDS = ['ip', 'port', 'protocol'];
const INSTANCE_FIELDS = ['address', 'weight'];
const PORT_RULE = { min: 1, max: 65_535, is: 'a port' };
const WEIGHT_RULE = { min: 0, max: MAX_WEIGHT, is: 'a weight' };

/** Runs a parser of the model and turns its error into a defect; its message begins with the field. */
export function parsed<T>(reader: FieldReader, node: SpecNode, parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    const allowed = error.details['allowed'];
    reader.report({
      at: node.at,
      field: reader.path,
      value: showNode(node),
      what: error.message.slice(error.message.indexOf(': ') + 2),
      allowed: typeof allowed === 'string' ? allowed : (error.why ?? ''),
    });
    return undefined;
  }
}

function readProtocol(reader: FieldReader, node: SpecNode | undefined): Protocol | undefined {
  if (node === undefined) return 'tcp';
  const text = textAt(reader, node, 'tcp or udp');
  if (text === undefined || text === 'tcp' || text === 'udp') return text;
  reader.report({
    at: node.at,
    field: reader.path,
    value: showNode(node),
    what: `${showNode(node)} is not a protocol`,
    allowed: 'tcp or udp',
  });
  return undefined;
}

function readIp(reader: FieldReader, node: SpecNode): string | undefined {
  const allowed = 'a numeric IP address, e.g. 10.96.0.10 or fd00::10';
  const text = textAt(reader, node, allowed);
  if (text === undefined) return undefined;
  const ip = canonicalIp(text);
  if (ip === undefined) {
    reader.report({
      at: node.at,
      field: reader.path,
      value: showNode(node),
      what: `${showNode(node)} is not an IP address`,
      allowed,
    });
  }
  return ip;
}

/** A session affinity as text; undefined for none, or if something was reported. */
export function readAffinity(reader: FieldReader, node: SpecNode): number | undefined {
  const text = textAt(reader, node, AFFINITY_RULE);
  return text === undefined ? undefined : parsed(reader, node, () => parseAffinity(text, reader.path));
}

/** An entry as text or as a map; undefined if something was reported. */
export function readEntry(reader: FieldReader, node: SpecNode): Entry | undefined {
  if (node.kind === 'text') return parsed(reader, node, () => parseEntry(node.text, reader.path));
  const fields = mapAt(reader, node, {
    known: ENTRY_FIELDS,
    required: ['ip', 'port'],
    is: 'IP:PORT[/tcp|udp], or a map of ip, port and protocol',
  });
  const ip = fields?.get('ip');
  const port = fields?.get('port');
  if (fields === undefined || ip === undefined || port === undefined) return undefined;
  const address = readIp(reader.within('ip'), ip.value);
  const number = numberAt(reader.within('port'), port.value, PORT_RULE);
  const protocol = readProtocol(reader.within('protocol'), fields.get('protocol')?.value);
  if (address === undefined || number === undefined || protocol === undefined) return undefined;
  return { ip: address, port: number, protocol };
}

/** An instance as text or as a map; undefined if something was reported. */
export function readInstance(reader: FieldReader, node: SpecNode): InstanceSpec | undefined {
  if (node.kind === 'text') return parsed(reader, node, () => parseInstanceArgument(node.text, reader.path));
  const fields = mapAt(reader, node, {
    known: INSTANCE_FIELDS,
    required: ['address'],
    is: 'IP:PORT[=WEIGHT], or a map of address and weight',
  });
  const address = fields?.get('address');
  if (fields === undefined || address === undefined) return undefined;
  const inner = reader.within('address');
  const text = textAt(inner, address.value, 'IP:PORT');
  const parsedAddress =
    text === undefined ? undefined : parsed(inner, address.value, () => parseAddress(text, inner.path));
  const weightField = fields.get('weight');
  const weight =
    weightField === undefined
      ? DEFAULT_WEIGHT
      : numberAt(reader.within('weight'), weightField.value, WEIGHT_RULE);
  return parsedAddress === undefined || weight === undefined ? undefined : { ...parsedAddress, weight };
}
