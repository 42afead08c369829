/**
 * Owns the words of a template in spec files, plans and descriptions: names without units, times as `30s`, sizes as `10MiB`, ranges as
 * `20000-29999`. Pure.
 */
import { formatDuration } from './duration.ts';
import { formatSize } from './size.ts';
import type { Path } from './template-values.ts';
import type { Limits, PortRange, Probe, Template } from './template.ts';

/** JSON data of a template as in a spec file. */
export type TemplateWords = Readonly<Record<string, unknown>>;

const seconds = (value: number): string => formatDuration(value * 1_000);
const range = ({ from, to }: PortRange): string => (from === to ? String(from) : `${from}-${to}`);

function defined(fields: Readonly<Record<string, unknown>>): TemplateWords {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** An object, or undefined where it says nothing. */
const unlessEmpty = <T extends object>(fields: T): T | undefined =>
  Object.keys(fields).length === 0 ? undefined : fields;

function probeWords(probe: Probe): TemplateWords {
  const timing = {
    interval: seconds(probe.intervalSeconds),
    timeout: seconds(probe.timeoutSeconds),
    successes: probe.successes,
    failures: probe.failures,
    start: seconds(probe.startSeconds),
  };
  if (probe.kind === 'exec') return { kind: probe.kind, command: probe.command, ...timing };
  if (probe.kind === 'tcp') {
    return defined({ kind: probe.kind, send: probe.send, expect: probe.expect, ...timing });
  }
  const { kind, path, host, status } = probe;
  return defined({ kind, path, host, status: range(status), ...timing });
}

function limitWords({ cpu, memoryBytes, pids, files }: Limits): TemplateWords {
  const memory = memoryBytes === undefined ? undefined : formatSize(memoryBytes);
  return defined({ cpu, memory, pids, files });
}

/** The template as in a spec file, defaults included; fields in the order of the documentation. */
export function templateWords(template: Template): TemplateWords {
  const { driver, command, hooks, image, env, workingDirectory, user, preStop, logs } = template;
  return defined({
    driver,
    command: command.length === 0 ? undefined : command,
    hooks,
    image,
    env: unlessEmpty(env),
    workingDirectory,
    user,
    ports: range(template.ports),
    limits: unlessEmpty(limitWords(template.limits)),
    probe: probeWords(template.probe),
    preStop:
      preStop === undefined
        ? undefined
        : { command: preStop.command, timeout: seconds(preStop.timeoutSeconds) },
    stopSignal: template.stopSignal,
    grace: seconds(template.graceSeconds),
    drain: seconds(template.drainSeconds),
    onDeadline: template.onDeadline,
    logs: { max: formatSize(logs.maxBytes), keep: logs.keep },
    nodeSelector: unlessEmpty(template.nodeSelector),
  });
}

/** The words of each field on one line: for showing one by one, and for finding what differs. */
export function templateLines(template: Template): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(templateWords(template)).map(([name, value]) => [name, JSON.stringify(value)]),
  );
}

/** Path of a field as in a spec file: `graceSeconds` is `grace` there. */
export function wordsPath(path: Path): Path {
  return path.map((part, at) =>
    typeof part === 'string' && path[0] !== 'env' && at <= 1 ? part.replace(/(Seconds|Bytes)$/, '') : part,
  );
}
