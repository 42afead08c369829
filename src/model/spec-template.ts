/** Owns reading a template out of a spec's tree, with every defect at its place. Pure. */
import { parseDuration } from './duration.ts';
import { parseSize } from './size.ts';
import { type FieldReader, listAt, mapAt, numberAt, showNode, textAt } from './spec-fields.ts';
import { parsed } from './spec-items.ts';
import type { SpecNode } from './spec-tree.ts';
import { DRIVERS, ON_DEADLINE, STOP_SIGNALS } from './template-choices.ts';
import { type ProbeInput, type TemplateInput, templateOf } from './template-defaults.ts';
import { parseRange } from './template-range.ts';
import { MAX_ENV, templateBreaks } from './template-rules.ts';
import { MAX_WORDS, type Path, pathText } from './template-values.ts';
import { wordsPath } from './template-words.ts';
import type { Limits, PortRange, Template } from './template.ts';
import { splitWords } from './words.ts';

type Read<T> = (reader: FieldReader, node: SpecNode) => T | undefined;

const text: Read<string> = (reader, node) => textAt(reader, node, 'text');

const seconds: Read<number> = (reader, node) => {
  const typed = textAt(reader, node, 'a length of time: 30s, 500ms, 1m30s');
  return typed === undefined
    ? undefined
    : parsed(reader, node, () => parseDuration(typed, reader.path) / 1_000);
};

const size: Read<number> = (reader, node) => {
  const typed = node.kind === 'number' ? node.text : textAt(reader, node, 'a size: 512MiB');
  return typed === undefined ? undefined : parsed(reader, node, () => parseSize(typed, reader.path));
};

const range: Read<PortRange> = (reader, node) => {
  const typed = node.kind === 'number' ? node.text : textAt(reader, node, 'FROM-TO');
  return typed === undefined ? undefined : parsed(reader, node, () => parseRange(typed, reader.path));
};

/** A count within the widest bounds; the rules know the narrower ones. */
const count: Read<number> = (reader, node) => numberAt(reader, node, { min: 0, max: 1e9, is: 'a number' });

/** A number with at most three decimals. */
const decimal: Read<number> = (reader, node) => {
  if (node.kind === 'number' && /^(0|[1-9][0-9]{0,5})(\.[0-9]{1,3})?$/.test(node.text))
    return Number(node.text);
  const value = showNode(node);
  const allowed = 'a number such as 0.5, with at most three decimals, without quotes';
  reader.report({
    at: node.at,
    field: reader.path,
    value,
    what: `${value} is not a number of cores`,
    allowed,
  });
  return undefined;
};

/** A command line as one text, split as by a shell, or as a list of words. */
const words: Read<readonly string[]> = (reader, node) => {
  if (node.kind === 'text') return parsed(reader, node, () => splitWords(node.text, reader.path));
  const items = listAt(reader, node, MAX_WORDS);
  const read = items?.map((item, index) => textAt(reader.item(index), item, 'text'));
  return read?.flatMap((word) => (word === undefined ? [] : [word]));
};

const textMap: Read<Readonly<Record<string, string>>> = (reader, node) => {
  if (node.kind !== 'map' || node.fields.size > MAX_ENV) {
    const what =
      node.kind === 'map'
        ? `${node.fields.size} fields are too many`
        : `${showNode(node)} is not allowed here`;
    const allowed = `a map of names to texts, at most ${MAX_ENV}`;
    reader.report({ at: node.at, field: reader.path, value: showNode(node), what, allowed });
    return undefined;
  }
  const pairs = [...node.fields].flatMap(([name, field]) => {
    const value = textAt(reader.within(name.slice(0, 40)), field.value, 'text');
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(pairs);
};

function oneOf<T extends string>(choices: readonly T[]): Read<T> {
  return (reader, node) => {
    const allowed = choices.join(', ');
    const typed = textAt(reader, node, allowed);
    const found = choices.find((choice) => choice === typed);
    if (typed !== undefined && found === undefined) {
      const value = showNode(node);
      reader.report({ at: node.at, field: reader.path, value, what: `${value} is not one of them`, allowed });
    }
    return found;
  };
}

/** Reads fields of a map one by one; a field that is not there is undefined. */
type Fields = <T>(name: string, read: Read<T>) => T | undefined;

function fieldsIn(reader: FieldReader, node: SpecNode, known: readonly string[]): Fields | undefined {
  const fields = mapAt(reader, node, { known, required: [], is: `a map of ${known.join(', ')}` });
  if (fields === undefined) return undefined;
  return (name, read) => {
    const field = fields.get(name);
    return field === undefined ? undefined : read(reader.within(name), field.value);
  };
}

const TIMING = ['interval', 'timeout', 'successes', 'failures', 'start'];
const PROBE_FIELDS = {
  tcp: ['kind', 'send', 'expect', ...TIMING],
  http: ['kind', 'path', 'host', 'status', ...TIMING],
  exec: ['kind', 'command', ...TIMING],
} as const;

const probe: Read<ProbeInput> = (reader, node) => {
  const kindNode = node.kind === 'map' ? node.fields.get('kind')?.value : undefined;
  const kind =
    kindNode === undefined ? 'tcp' : oneOf(['tcp', 'http', 'exec'])(reader.within('kind'), kindNode);
  if (kind === undefined) return undefined;
  const at = fieldsIn(reader, node, PROBE_FIELDS[kind]);
  if (at === undefined) return undefined;
  return {
    kind,
    send: at('send', text),
    expect: at('expect', text),
    path: at('path', text),
    host: at('host', text),
    status: at('status', range),
    command: at('command', words),
    intervalSeconds: at('interval', seconds),
    timeoutSeconds: at('timeout', seconds),
    successes: at('successes', count),
    failures: at('failures', count),
    startSeconds: at('start', seconds),
  };
};

const limits: Read<Limits> = (reader, node) => {
  const at = fieldsIn(reader, node, ['cpu', 'memory', 'pids', 'files']);
  if (at === undefined) return undefined;
  return {
    cpu: at('cpu', decimal),
    memoryBytes: at('memory', size),
    pids: at('pids', count),
    files: at('files', count),
  };
};

const hooks: Read<NonNullable<Template['hooks']>> = (reader, node) => {
  const at = fieldsIn(reader, node, ['stop', 'status']);
  return at === undefined ? undefined : { stop: at('stop', words) ?? [], status: at('status', words) ?? [] };
};

const preStop: Read<NonNullable<TemplateInput['preStop']>> = (reader, node) => {
  const at = fieldsIn(reader, node, ['command', 'timeout']);
  return at === undefined
    ? undefined
    : { command: at('command', words), timeoutSeconds: at('timeout', seconds) };
};

const logs: Read<NonNullable<TemplateInput['logs']>> = (reader, node) => {
  const at = fieldsIn(reader, node, ['max', 'keep']);
  return at === undefined ? undefined : { maxBytes: at('max', size), keep: at('keep', count) };
};

const TEMPLATE_FIELDS = [
  'driver',
  'command',
  'hooks',
  'image',
  'env',
  'workingDirectory',
  'user',
  'ports',
  'limits',
  'probe',
  'preStop',
  'stopSignal',
  'grace',
  'drain',
  'onDeadline',
  'logs',
  'nodeSelector',
];

function inputOf(reader: FieldReader, node: SpecNode): TemplateInput | undefined {
  const at = fieldsIn(reader, node, TEMPLATE_FIELDS);
  if (at === undefined) return undefined;
  return {
    driver: at('driver', oneOf(DRIVERS)),
    command: at('command', words),
    hooks: at('hooks', hooks),
    image: at('image', text),
    env: at('env', textMap),
    workingDirectory: at('workingDirectory', text),
    user: at('user', text),
    ports: at('ports', range),
    limits: at('limits', limits),
    probe: at('probe', probe),
    preStop: at('preStop', preStop),
    stopSignal: at('stopSignal', oneOf(STOP_SIGNALS)),
    graceSeconds: at('grace', seconds),
    drainSeconds: at('drain', seconds),
    onDeadline: at('onDeadline', oneOf(ON_DEADLINE)),
    logs: at('logs', logs),
    nodeSelector: at('nodeSelector', textMap),
  };
}

/** The node at a path, or the last one on the way to it. */
function nodeAt(node: SpecNode, path: Path): SpecNode {
  const [first, ...rest] = path;
  const next =
    node.kind === 'map' && typeof first === 'string'
      ? node.fields.get(first)?.value
      : node.kind === 'list' && typeof first === 'number'
        ? node.items[first]
        : undefined;
  return next === undefined ? node : nodeAt(next, rest);
}

/**
 * Reads a template; everything wrong goes to `reader.report`.
 * @returns the whole template with defaults; undefined, or not to be used, if anything was reported
 */
export function readTemplate(reader: FieldReader, node: SpecNode): Template | undefined {
  let reported = false;
  const report: FieldReader['report'] = (defect) => {
    reported = true;
    reader.report(defect);
  };
  const input = inputOf(reader.with(report), node);
  if (input === undefined || reported) return undefined;
  const template = templateOf(input);
  for (const { path, what, allowed, fix } of templateBreaks(template)) {
    const place = wordsPath(path);
    const found = nodeAt(node, place);
    const field = [reader.path, pathText(place)].filter((part) => part !== '').join('.');
    reader.report({ at: found.at, field, value: showNode(found), what, allowed, fix });
  }
  return template;
}
