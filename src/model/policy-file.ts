/** Owns reading the text of a node's policy: YAML with the caps of specs, every field checked, what is wrong told with its line. */
import { SluiceError } from '../errors.ts';
import { type EntryRule, parseEntryRule } from './entry-rule.ts';
import { MAX_SPEC_LENGTH } from './limits.ts';
import type { CommandRule, Policy } from './policy.ts';
import { specError } from './spec-errors.ts';
import {
  type FieldReader,
  fieldReader,
  flagAt,
  listAt,
  mapAt,
  numberAt,
  showNode,
  textAt,
} from './spec-fields.ts';
import type { SpecDefect, SpecField, SpecNode } from './spec-tree.ts';
import { parseSize } from './size.ts';
import { readYaml } from './spec-yaml.ts';
import type { DriverName, PortRange } from './template.ts';

const DRIVERS: readonly DriverName[] = ['process', 'exec', 'systemd', 'podman'];
const FIELDS = [
  'drivers',
  'commands',
  'images',
  'users',
  'allowRoot',
  'defaultUser',
  'directories',
  'env',
  'limits',
  'ports',
  'entries',
];
const LIMITS = ['instances', 'cpu', 'memory', 'pids', 'files'];
/** Items of one list. */
const MAX_ITEMS = 1_000;
/** Ports that need no privilege. */
const ANY_PORT: PortRange = { from: 1_024, to: 65_535 };
const MAX_COUNT = 10_000_000;

type Fields = ReadonlyMap<string, SpecField>;

/** A place in the text and the reader for it. */
interface Place {
  readonly reader: FieldReader;
  readonly node: SpecNode;
}

function report({ reader, node }: Place, what: string, allowed: string): undefined {
  reader.report({ at: node.at, field: reader.path, value: showNode(node), what, allowed });
  return undefined;
}

/** Text that a rule holds for. */
function textThat(place: Place, holds: (text: string) => boolean, allowed: string): string | undefined {
  const text = textAt(place.reader, place.node, allowed);
  if (text === undefined || holds(text)) return text;
  return report(place, `${showNode(place.node)} is not allowed here`, allowed);
}

const isAbsolute = (text: string): boolean =>
  /^\/[^\p{Cc}]*$/u.test(text) &&
  (text === '/' ||
    text
      .slice(1)
      .split('/')
      .every((part) => part !== '' && part !== '.' && part !== '..'));

function placeOf(reader: FieldReader, fields: Fields, name: string): Place | undefined {
  const field = fields.get(name);
  return field === undefined ? undefined : { reader: reader.within(name), node: field.value };
}

/** The items of a list field; none if it is not there. */
function items(reader: FieldReader, fields: Fields, name: string): readonly Place[] {
  const place = placeOf(reader, fields, name);
  if (place === undefined) return [];
  const nodes = listAt(place.reader, place.node, MAX_ITEMS) ?? [];
  return nodes.map((node, at) => ({ reader: place.reader.item(at), node }));
}

const PATH_RULE = 'an absolute path without .. and double slashes; * stands for any text within one part';

function readCommand({ reader, node }: Place): CommandRule | undefined {
  if (node.kind === 'text') {
    const path = textThat({ reader, node }, isAbsolute, PATH_RULE);
    return path === undefined ? undefined : { path };
  }
  const rule = { known: ['path', 'sha256'], required: ['path'], is: 'a path, or a map of path and sha256' };
  const fields = mapAt(reader, node, rule);
  const pathAt = fields && placeOf(reader, fields, 'path');
  const hashAt = fields && placeOf(reader, fields, 'sha256');
  const path = pathAt && textThat(pathAt, isAbsolute, PATH_RULE);
  const sha256 =
    hashAt && textThat(hashAt, (text) => /^[0-9a-f]{64}$/.test(text), '64 hex digits in lower case');
  if (path === undefined || (hashAt !== undefined && sha256 === undefined)) return undefined;
  return { path, ...(sha256 === undefined ? {} : { sha256 }) };
}

const isDriver = (text: string): text is DriverName => DRIVERS.some((name) => name === text);

const ENTRY_RULE = 'a network, with ports or without: 10.96.0.0/16, 10.96.0.0/16:8000-8999, [fd00::/64]:443';

function readPorts(place: Place): PortRange | undefined {
  const { node } = place;
  const text = node.kind === 'number' || node.kind === 'text' ? node.text : '';
  const match = /^([1-9][0-9]{0,4})(?:-([1-9][0-9]{0,4}))?$/.exec(text);
  const from = Number(match?.[1]);
  const to = Number(match?.[2] ?? match?.[1]);
  if (match !== null && from <= to && to <= 65_535) return { from, to };
  return report(
    place,
    `${showNode(node)} is not a range of ports`,
    'FROM-TO within 1-65535, e.g. 20000-29999',
  );
}

function readEntries(place: Place): EntryRule | undefined {
  const text = textAt(place.reader, place.node, ENTRY_RULE);
  if (text === undefined) return undefined;
  return (
    parseEntryRule(text) ?? report(place, `${showNode(place.node)} is not a range of entries`, ENTRY_RULE)
  );
}

function readCpu(place: Place): number | undefined {
  const { node } = place;
  const value =
    node.kind === 'number' && /^[0-9]{1,5}(\.[0-9]{1,3})?$/.test(node.text) ? Number(node.text) : 0;
  return value > 0 ? value : report(place, `${showNode(node)} is not a number of cores`, 'e.g. 0.5 or 2');
}

function readMemory(place: Place): number | undefined {
  const { node } = place;
  if (node.kind === 'text' || node.kind === 'number') {
    try {
      return parseSize(node.text);
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
    }
  }
  return report(place, `${showNode(node)} is not a size`, 'bytes, or with KiB, MiB, GiB: 512MiB');
}

function readLimits(reader: FieldReader, root: Fields): Policy['limits'] {
  const place = placeOf(reader, root, 'limits');
  if (place === undefined) return {};
  const fields = mapAt(place.reader, place.node, { known: LIMITS, required: [], is: 'a map of limits' });
  if (fields === undefined) return {};
  const at = (name: string): Place | undefined => placeOf(place.reader, fields, name);
  const count = (name: string): number | undefined => {
    const found = at(name);
    return found && numberAt(found.reader, found.node, { min: 1, max: MAX_COUNT, is: 'a count' });
  };
  const [cpu, memory] = [at('cpu'), at('memory')];
  return {
    instances: count('instances'),
    cpu: cpu && readCpu(cpu),
    memoryBytes: memory && readMemory(memory),
    pids: count('pids'),
    files: count('files'),
  };
}

const USER_RULE = 'the name of a user';
const isUser = (text: string): boolean => /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/.test(text);
const ENV_RULE = 'names of variables, * at the end stands for any text';
const isEnvPattern = (text: string): boolean => /^(\*|[A-Za-z_][A-Za-z0-9_]*\*?)$/.test(text);
const IMAGE_RULE = 'an image, e.g. docker.io/library/nginx:*';
const isImage = (text: string): boolean => /^[A-Za-z0-9*][A-Za-z0-9*._/:@+-]{0,254}$/.test(text);

function readFields(reader: FieldReader, fields: Fields): Policy {
  const texts = (name: string, holds: (text: string) => boolean, allowed: string): readonly string[] =>
    items(reader, fields, name).flatMap((place) => textThat(place, holds, allowed) ?? []);
  const rootAt = placeOf(reader, fields, 'allowRoot');
  const userAt = placeOf(reader, fields, 'defaultUser');
  return {
    drivers: fields.has('drivers')
      ? texts('drivers', isDriver, DRIVERS.join(', ')).filter(isDriver)
      : ['process', 'exec'],
    commands: items(reader, fields, 'commands').flatMap((place) => readCommand(place) ?? []),
    images: texts('images', isImage, IMAGE_RULE),
    users: texts('users', isUser, USER_RULE),
    allowRoot: (rootAt && flagAt(rootAt.reader, rootAt.node)) ?? false,
    defaultUser: userAt && textThat(userAt, isUser, USER_RULE),
    directories: texts('directories', isAbsolute, PATH_RULE),
    env: fields.has('env') ? texts('env', isEnvPattern, ENV_RULE) : ['*'],
    limits: readLimits(reader, fields),
    ports: fields.has('ports')
      ? items(reader, fields, 'ports').flatMap((place) => readPorts(place) ?? [])
      : [ANY_PORT],
    entries: fields.has('entries')
      ? items(reader, fields, 'entries').flatMap((place) => readEntries(place) ?? [])
      : undefined,
  };
}

/** The same words, as an error of the machine's configuration. */
function asConfig(error: SluiceError, file: string): SluiceError {
  const fix = `correct ${file}; until then this node starts nothing`;
  return new SluiceError('config', `policy ${error.message}`, {
    why: error.why,
    fix,
    details: error.details,
  });
}

/**
 * Reads a policy.
 * @param file its name, for messages
 * @throws SluiceError `config`: the first thing wrong with line and field, all (up to 20) in `details.errors`
 */
export function parsePolicy(text: string, file: string): Policy {
  const defects: SpecDefect[] = [];
  const refuse = (): SluiceError => asConfig(specError(defects, { text, file }), file);
  if (text.length > MAX_SPEC_LENGTH) {
    defects.push({ at: 0, field: '', what: 'it is longer than 1 MiB', allowed: 'at most 1 MiB' });
    throw refuse();
  }
  const read = readYaml(text);
  defects.push(...read.defects);
  const [root, second] = read.documents;
  const at = second?.at ?? 0;
  if (defects.length === 0 && (root === undefined || second !== undefined)) {
    defects.push({ at, field: '', what: 'it is not one document', allowed: FIELDS.join(', ') });
  }
  if (root === undefined || defects.length > 0) throw refuse();
  const reader = fieldReader((defect) => defects.push(defect));
  const fields = mapAt(reader, root, { known: FIELDS, required: [], is: `a map of ${FIELDS.join(', ')}` });
  const policy = fields === undefined ? undefined : readFields(reader, fields);
  if (policy === undefined || defects.length > 0) throw refuse();
  return policy;
}
