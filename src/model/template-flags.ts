/** Owns making a template from values typed on the command line: the same checks as for a file. Pure. */
import { SluiceError } from '../errors.ts';
import { parseDuration } from './duration.ts';
import { parseLabels } from './labels.ts';
import { parseSize } from './size.ts';
import { type ProbeInput, templateOf } from './template-defaults.ts';
import { parseRange } from './template-range.ts';
import { templateBreaks } from './template-rules.ts';
import { type Break, pathText } from './template-values.ts';
import type { DriverName, OnDeadline, StopSignal, Template } from './template.ts';
import { quoteValue } from './text.ts';
import { splitWords } from './words.ts';

/** What `publish` gets from its flags, as typed. */
export interface TemplateFlags {
  readonly driver?: DriverName | undefined;
  readonly command?: string | undefined;
  readonly image?: string | undefined;
  /** `NAME=VALUE` */
  readonly env?: readonly string[] | undefined;
  readonly workdir?: string | undefined;
  readonly runAs?: string | undefined;
  /** `FROM-TO` */
  readonly portRange?: string | undefined;
  readonly cpu?: string | undefined;
  readonly memory?: string | undefined;
  readonly pids?: string | undefined;
  readonly files?: string | undefined;
  /** `tcp`, `http:/PATH` or `exec:COMMAND` */
  readonly probe?: string | undefined;
  readonly probeInterval?: string | undefined;
  readonly probeTimeout?: string | undefined;
  readonly probeSuccesses?: string | undefined;
  readonly probeFailures?: string | undefined;
  readonly probeStart?: string | undefined;
  readonly preStop?: string | undefined;
  readonly stopSignal?: StopSignal | undefined;
  readonly grace?: string | undefined;
  readonly drain?: string | undefined;
  readonly onDeadline?: OnDeadline | undefined;
  /** `KEY=VALUE` */
  readonly nodeSelector?: readonly string[] | undefined;
}

/** The flag of a field, by the longest beginning of its path. */
const FLAG_OF: readonly (readonly [path: string, flag: string])[] = [
  ['command', '--command'],
  ['image', '--image'],
  ['env', '--env'],
  ['workingDirectory', '--workdir'],
  ['user', '--run-as'],
  ['ports', '--port-range'],
  ['limits.cpu', '--cpu'],
  ['limits.memoryBytes', '--memory'],
  ['limits.pids', '--pids'],
  ['limits.files', '--files'],
  ['probe.intervalSeconds', '--probe-interval'],
  ['probe.timeoutSeconds', '--probe-timeout'],
  ['probe.successes', '--probe-successes'],
  ['probe.failures', '--probe-failures'],
  ['probe.startSeconds', '--probe-start'],
  ['probe', '--probe'],
  ['preStop', '--pre-stop'],
  ['graceSeconds', '--grace'],
  ['drainSeconds', '--drain'],
  ['nodeSelector', '--node-selector'],
];

const invalid = (flag: string, text: string, allowed: string): SluiceError =>
  new SluiceError('invalid-spec', `${flag}: ${quoteValue(text)} is not valid`, {
    why: `${flag} takes ${allowed}`,
    fix: 'correct it and try again; nothing was written',
    details: { field: flag, value: text.slice(0, 80), allowed },
  });

function numberFrom(flag: string, text: string | undefined, allowed: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^(0|[1-9][0-9]{0,8})(\.[0-9]{1,3})?$/.test(text)) throw invalid(flag, text, allowed);
  return Number(text);
}

const secondsFrom = (flag: string, text: string | undefined): number | undefined =>
  text === undefined ? undefined : parseDuration(text, flag) / 1_000;

function environmentFrom(texts: readonly string[]): Readonly<Record<string, string>> {
  const pairs = texts.map((text): readonly [string, string] => {
    const at = text.indexOf('=');
    if (at < 1) throw invalid('--env', text, 'NAME=VALUE');
    return [text.slice(0, at), text.slice(at + 1)];
  });
  const names = pairs.map(([name]) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw invalid('--env', twice, 'each variable once');
  return Object.fromEntries(pairs);
}

/** `tcp`, `http:/healthz`, `exec:check --port {port}`. */
function probeKind(text: string): ProbeInput {
  const [kind = '', ...rest] = text.split(':');
  const value = rest.join(':');
  if (kind === 'tcp' && rest.length === 0) return { kind };
  if (kind === 'http' && rest.length > 0) return { kind, path: value };
  if (kind === 'exec' && rest.length > 0) return { kind, command: splitWords(value, '--probe') };
  throw invalid('--probe', text, "tcp, http:/PATH or exec:'COMMAND'");
}

function probeFrom(flags: TemplateFlags): ProbeInput {
  return {
    ...probeKind(flags.probe ?? 'tcp'),
    intervalSeconds: secondsFrom('--probe-interval', flags.probeInterval),
    timeoutSeconds: secondsFrom('--probe-timeout', flags.probeTimeout),
    successes: numberFrom('--probe-successes', flags.probeSuccesses, 'a number'),
    failures: numberFrom('--probe-failures', flags.probeFailures, 'a number'),
    startSeconds: secondsFrom('--probe-start', flags.probeStart),
  };
}

function refusal({ path, what, allowed, fix }: Break): SluiceError {
  const place = pathText(path);
  const flag = FLAG_OF.find(([start]) => place.startsWith(start))?.[1] ?? place;
  return new SluiceError('invalid-spec', `${flag === '' ? '' : `${flag}: `}${what}`, {
    why: `allowed: ${allowed}`,
    fix:
      fix ??
      (place === 'hooks' ? 'say it in a spec file: publish -f FILE' : 'correct it; nothing was written'),
    details: { field: flag, path: place, allowed },
  });
}

/**
 * The whole template that is meant by flags.
 * @throws SluiceError `invalid-spec` naming the flag
 */
export function templateFromFlags(flags: TemplateFlags): Template {
  const { command, preStop } = flags;
  const template = templateOf({
    driver: flags.driver,
    command: command === undefined ? undefined : splitWords(command, '--command'),
    image: flags.image,
    env: environmentFrom(flags.env ?? []),
    workingDirectory: flags.workdir,
    user: flags.runAs,
    ports: flags.portRange === undefined ? undefined : parseRange(flags.portRange, '--port-range'),
    limits: {
      cpu: numberFrom('--cpu', flags.cpu, 'a number of cores such as 0.5'),
      memoryBytes: flags.memory === undefined ? undefined : parseSize(flags.memory, '--memory'),
      pids: numberFrom('--pids', flags.pids, 'a number'),
      files: numberFrom('--files', flags.files, 'a number'),
    },
    probe: probeFrom(flags),
    preStop: preStop === undefined ? undefined : { command: splitWords(preStop, '--pre-stop') },
    stopSignal: flags.stopSignal,
    graceSeconds: secondsFrom('--grace', flags.grace),
    drainSeconds: secondsFrom('--drain', flags.drain),
    onDeadline: flags.onDeadline,
    nodeSelector: parseLabels(flags.nodeSelector ?? [], '--node-selector'),
  });
  const [found] = templateBreaks(template);
  if (found !== undefined) throw refusal(found);
  return template;
}
