/** Owns reading a template out of a spec's tree, with every defect at its place. Pure. */
import { parseSize } from './size.ts';
import { type FieldReader, numberAt, showNode, textAt } from './spec-fields.ts';
import { parsed } from './spec-items.ts';
import type { SpecNode } from './spec-tree.ts';
import { decimal, fieldsIn, oneOf, type Read, seconds, text, words } from './spec-values.ts';
import { DRIVERS, ON_DEADLINE, STOP_SIGNALS } from './template-choices.ts';
import { type ProbeInput, type TemplateInput, templateOf } from './template-defaults.ts';
import { parseRange } from './template-range.ts';
import { MAX_ENV, templateBreaks } from './template-rules.ts';
import { MAX_WORDS, type Path, pathText } from './template-values.ts';
import { wordsPath } from './template-words.ts';
import type { Limits, PortRange, Template } from './template.ts';

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

const cores = decimal({ digits: 6, is: 'a number of cores', such: '0.5' });
const commandLine = words(MAX_WORDS);

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
  const at = fieldsIn(reader, node, { known: PROBE_FIELDS[kind] });
  if (at === undefined) return undefined;
  return {
    kind,
    send: at('send', text),
    expect: at('expect', text),
    path: at('path', text),
    host: at('host', text),
    status: at('status', range),
    command: at('command', commandLine),
    intervalSeconds: at('interval', seconds),
    timeoutSeconds: at('timeout', seconds),
    successes: at('successes', count),
    failures: at('failures', count),
    startSeconds: at('start', seconds),
  };
};

const limits: Read<Limits> = (reader, node) => {
  const at = fieldsIn(reader, node, { known: ['cpu', 'memory', 'pids', 'files'] });
  if (at === undefined) return undefined;
  return {
    cpu: at('cpu', cores),
    memoryBytes: at('memory', size),
    pids: at('pids', count),
    files: at('files', count),
  };
};

const hooks: Read<NonNullable<Template['hooks']>> = (reader, node) => {
  const at = fieldsIn(reader, node, { known: ['stop', 'status'] });
  return at === undefined
    ? undefined
    : { stop: at('stop', commandLine) ?? [], status: at('status', commandLine) ?? [] };
};

const preStop: Read<NonNullable<TemplateInput['preStop']>> = (reader, node) => {
  const at = fieldsIn(reader, node, { known: ['command', 'timeout'] });
  return at === undefined
    ? undefined
    : { command: at('command', commandLine), timeoutSeconds: at('timeout', seconds) };
};

const logs: Read<NonNullable<TemplateInput['logs']>> = (reader, node) => {
  const at = fieldsIn(reader, node, { known: ['max', 'keep'] });
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
  const at = fieldsIn(reader, node, { known: TEMPLATE_FIELDS });
  if (at === undefined) return undefined;
  return {
    driver: at('driver', oneOf(DRIVERS)),
    command: at('command', commandLine),
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
