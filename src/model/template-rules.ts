/**
 * Owns what must hold of a template, wherever it comes from (flags, spec file, store): caps, grammars, ranges, what belongs together.
 * Nothing in it is ever read by a shell; what is refused here could not be run, shown or stored. Pure.
 */
import { canonicalJson } from './canonical-json.ts';
import { isImageReference } from './image.ts';
import { badLabel, LABEL_RULE, MAX_LABELS } from './labels.ts';
import { type Break, type Path, numberBreaks, textBreaks, wordsBreaks } from './template-values.ts';
import type { PortRange, Probe, Template } from './template.ts';
import { quoteValue } from './text.ts';

/** Characters of a template as canonical JSON: each assignment holds a copy. */
const MAX_TEMPLATE_LENGTH = 65_536;
/** Variables of one environment. */
export const MAX_ENV = 128;

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const USER = /^[a-z_][a-z0-9_-]{0,31}$/;
const HOST = /^[A-Za-z0-9[{][A-Za-z0-9._:{}[\]-]{0,254}$/;
const URL_PATH = /^\/[!-~]{0,1023}$/;
const DAY = 86_400;

const when = (broken: boolean, found: Break): readonly Break[] => (broken ? [found] : []);

function driverBreaks({ driver, command, hooks, image }: Template): readonly Break[] {
  const isContainer = driver === 'podman';
  return [
    ...when(!isContainer && image !== undefined, {
      path: ['image'],
      what: `driver ${driver} has no image`,
      allowed: 'an image only with driver podman',
      fix: 'say driver podman, or leave the image out',
    }),
    ...when(!isContainer && command.length === 0 && image === undefined, {
      path: ['command'],
      what: 'a program to run is missing',
      allowed: `driver ${driver} needs a command`,
    }),
    ...when(isContainer && image === undefined, {
      path: ['image'],
      what: 'an image is missing',
      allowed: `driver ${driver} needs an image`,
    }),
    ...when(driver === 'exec' && hooks === undefined, {
      path: ['hooks'],
      what: 'the programs for stop and status are missing',
      allowed: 'driver exec needs hooks: stop and status',
    }),
    ...when(driver !== 'exec' && hooks !== undefined, {
      path: ['hooks'],
      what: `driver ${driver} has no hooks`,
      allowed: 'hooks only with driver exec',
    }),
  ];
}

function commandBreaks({ driver, command, hooks, preStop }: Template): readonly Break[] {
  const isProgram = driver !== 'podman';
  return [
    ...(command.length === 0 ? [] : wordsBreaks(['command'], command, { isProgram })),
    ...(hooks === undefined
      ? []
      : [...wordsBreaks(['hooks', 'stop'], hooks.stop), ...wordsBreaks(['hooks', 'status'], hooks.status)]),
    ...(preStop === undefined
      ? []
      : [
          ...wordsBreaks(['preStop', 'command'], preStop.command),
          ...numberBreaks(['preStop', 'timeoutSeconds'], preStop.timeoutSeconds, { min: 0.1, max: 3_600 }),
        ]),
  ];
}

function environmentBreaks({ driver, env }: Template): readonly Break[] {
  const names = Object.keys(env);
  if (names.length > MAX_ENV) {
    return [
      {
        path: ['env'],
        what: `${names.length} variables are too many`,
        allowed: `at most ${MAX_ENV} variables`,
      },
    ];
  }
  return Object.entries(env).flatMap(([name, value]): readonly Break[] => {
    const path: Path = ['env', name];
    if (!ENV_NAME.test(name) || name === '__proto__') {
      const allowed = 'letters, digits and _, not beginning with a digit, at most 128';
      return [{ path, what: `${quoteValue(name)} is not a name of a variable`, allowed }];
    }
    if (name.startsWith('SLUICE_')) {
      return [
        { path, what: `${name} is set by sluice itself`, allowed: 'a name that does not begin with SLUICE_' },
      ];
    }
    return [
      ...textBreaks(path, value),
      ...when(driver === 'podman' && /[\n\r]/.test(value), {
        path,
        what: `${name} holds a line break`,
        allowed: `no line breaks with driver ${driver}, which is told a line for each variable`,
      }),
    ];
  });
}

/** A path as the kernel would walk it: absolute, no empty, `.` or `..` part. */
function isPlainPath(path: string): boolean {
  const parts = path.split('/').slice(1);
  return (
    path.startsWith('/') &&
    path.length <= 1_024 &&
    !/[\p{Cc}\p{Cs}{}]/u.test(path) &&
    (path === '/' || parts.every((part) => part !== '' && part !== '.' && part !== '..'))
  );
}

function placeBreaks({ workingDirectory, user, image, nodeSelector }: Template): readonly Break[] {
  const label = badLabel(nodeSelector);
  const selectors = Object.keys(nodeSelector).length;
  return [
    ...when(workingDirectory !== undefined && !isPlainPath(workingDirectory), {
      path: ['workingDirectory'],
      what: `${quoteValue(workingDirectory)} is not a folder`,
      allowed: 'an absolute path without .., double slashes, braces and control characters',
    }),
    ...when(user !== undefined && !USER.test(user), {
      path: ['user'],
      what: `${quoteValue(user)} is not a user name`,
      allowed: 'a name: a-z, 0-9, _ and -, beginning with a letter or _, at most 32',
    }),
    ...when(image !== undefined && !isImageReference(image), {
      path: ['image'],
      what: `${quoteValue(image)} is not an image`,
      allowed: 'a reference such as docker.io/library/nginx:1.27, no file or folder',
    }),
    ...when(label !== undefined, {
      path: ['nodeSelector'],
      what: `${quoteValue(label)} is not a label`,
      allowed: LABEL_RULE,
    }),
    ...when(selectors > MAX_LABELS, {
      path: ['nodeSelector'],
      what: `${selectors} labels are too many`,
      allowed: `at most ${MAX_LABELS} labels`,
    }),
  ];
}

function rangeBreaks(
  path: Path,
  range: PortRange,
  rule: { min: number; max: number; is: string },
): readonly Break[] {
  const { from, to } = range;
  const isRange = [from, to].every((end) => Number.isInteger(end) && end >= rule.min && end <= rule.max);
  return when(!isRange || from > to, {
    path,
    what: `${quoteValue(`${from}-${to}`)} is not ${rule.is}`,
    allowed: `FROM-TO within ${rule.min}-${rule.max}`,
  });
}

function probeBreaks(probe: Probe): readonly Break[] {
  const timing = [
    ...numberBreaks(['probe', 'intervalSeconds'], probe.intervalSeconds, { min: 0.1, max: 3_600 }),
    ...numberBreaks(['probe', 'timeoutSeconds'], probe.timeoutSeconds, { min: 0.1, max: 300 }),
    ...numberBreaks(['probe', 'successes'], probe.successes, { min: 1, max: 100, whole: true }),
    ...numberBreaks(['probe', 'failures'], probe.failures, { min: 1, max: 100, whole: true }),
    ...numberBreaks(['probe', 'startSeconds'], probe.startSeconds, { min: 1, max: 3_600 }),
  ];
  if (probe.kind === 'exec') return [...wordsBreaks(['probe', 'command'], probe.command), ...timing];
  if (probe.kind === 'tcp') {
    const texts = [
      ...(probe.send === undefined ? [] : textBreaks(['probe', 'send'], probe.send, { min: 1 })),
      ...(probe.expect === undefined ? [] : textBreaks(['probe', 'expect'], probe.expect, { min: 1 })),
    ];
    return [...texts, ...timing];
  }
  return [
    ...textBreaks(['probe', 'path'], probe.path),
    ...when(!URL_PATH.test(probe.path), {
      path: ['probe', 'path'],
      what: `${quoteValue(probe.path)} is not a path`,
      allowed: 'a path that begins with /, of printable ASCII without spaces',
    }),
    ...(probe.host === undefined ? [] : textBreaks(['probe', 'host'], probe.host)),
    ...when(probe.host !== undefined && !HOST.test(probe.host), {
      path: ['probe', 'host'],
      what: `${quoteValue(probe.host)} is not a host`,
      allowed: 'a host name or address, with or without a port',
    }),
    ...rangeBreaks(['probe', 'status'], probe.status, { min: 100, max: 599, is: 'a range of status codes' }),
    ...timing,
  ];
}

function limitBreaks({ limits, logs, ports, graceSeconds, drainSeconds }: Template): readonly Break[] {
  const limit = (name: keyof typeof limits, rule: { min: number; max: number; whole: boolean }) =>
    limits[name] === undefined ? [] : numberBreaks(['limits', name], limits[name], rule);
  return [
    ...rangeBreaks(['ports'], ports, { min: 1, max: 65_535, is: 'a range of ports' }),
    ...limit('cpu', { min: 0.01, max: 1_024, whole: false }),
    ...limit('memoryBytes', { min: 1024 * 1024, max: 2 ** 50, whole: true }),
    ...limit('pids', { min: 1, max: 1_000_000, whole: true }),
    ...limit('files', { min: 16, max: 10_000_000, whole: true }),
    ...numberBreaks(['graceSeconds'], graceSeconds, { min: 0, max: 3_600 }),
    ...numberBreaks(['drainSeconds'], drainSeconds, { min: 0, max: DAY }),
    ...numberBreaks(['logs', 'maxBytes'], logs.maxBytes, { min: 4_096, max: 2 ** 40, whole: true }),
    ...numberBreaks(['logs', 'keep'], logs.keep, { min: 0, max: 100, whole: true }),
  ];
}

/** All rules that do not hold, in the order of the template's fields. */
export function templateBreaks(template: Template): readonly Break[] {
  const breaks = [
    ...driverBreaks(template),
    ...commandBreaks(template),
    ...environmentBreaks(template),
    ...placeBreaks(template),
    ...limitBreaks(template),
    ...probeBreaks(template.probe),
  ];
  if (breaks.length > 0) return breaks;
  const { length } = canonicalJson(template);
  return when(length > MAX_TEMPLATE_LENGTH, {
    path: [],
    what: `the template is ${length} characters long`,
    allowed: `at most ${MAX_TEMPLATE_LENGTH} characters, as JSON`,
  });
}
