/** Owns the stored form of templates and of orders to drain or stop. Pure. */
import * as v from 'valibot';
import type { DrainOrder, StopOrder } from './assignment.ts';
import { canonicalJson } from './canonical-json.ts';
import { flagField, secondsField, textField, timeField } from './fields.ts';
import { badRecord, type Raw } from './records.ts';
import { DRIVERS, ON_DEADLINE, STOP_SIGNALS } from './template-choices.ts';
import { templateBreaks } from './template-rules.ts';
import { pathText } from './template-values.ts';
import type { Template } from './template.ts';
import { plainText } from './text.ts';

/** Longest line of a reason. */
const MAX_REASON = 500;

const TEXT = 'must be text';
const NUMBER = 'must be a number';
const WORDS = 'must be a list of texts';
const MAP = 'must be an object';

const text = v.string(TEXT);
const number = v.number(NUMBER);
const words = v.array(v.string(WORDS), WORDS);
const onDeadlineField = v.picklist(ON_DEADLINE, `must be one of ${ON_DEADLINE.join(', ')}`);

function isTextMap(value: unknown): value is Readonly<Record<string, string>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !Object.hasOwn(value, '__proto__') &&
    Object.values(value).every((item) => typeof item === 'string')
  );
}

/** Text by name. An own check: the package's drops names such as `constructor` in silence. */
export const textMapField = v.custom<Readonly<Record<string, string>>>(
  isTextMap,
  'must be an object of texts',
);

const range = v.object({ from: number, to: number }, MAP);
const timing = {
  intervalSeconds: number,
  timeoutSeconds: number,
  successes: number,
  failures: number,
  startSeconds: number,
};

const probeField = v.variant(
  'kind',
  [
    v.object({ kind: v.literal('tcp'), send: v.optional(text), expect: v.optional(text), ...timing }, MAP),
    v.object({ kind: v.literal('http'), path: text, host: v.optional(text), status: range, ...timing }, MAP),
    v.object({ kind: v.literal('exec'), command: words, ...timing }, MAP),
  ],
  'must be a probe of kind tcp, http or exec',
);

/** A template by the kinds of its fields; what must hold of their values is `assertTemplate`'s. */
export const templateField: v.GenericSchema<Template, Template> = v.object(
  {
    driver: v.picklist(DRIVERS, `must be one of ${DRIVERS.join(', ')}`),
    command: words,
    hooks: v.optional(v.object({ stop: words, status: words }, MAP)),
    image: v.optional(text),
    env: textMapField,
    workingDirectory: v.optional(text),
    user: v.optional(text),
    ports: range,
    limits: v.object(
      {
        cpu: v.optional(number),
        memoryBytes: v.optional(number),
        pids: v.optional(number),
        files: v.optional(number),
      },
      MAP,
    ),
    probe: probeField,
    preStop: v.optional(v.object({ command: words, timeoutSeconds: number }, MAP)),
    stopSignal: v.picklist(STOP_SIGNALS, `must be one of ${STOP_SIGNALS.join(', ')}`),
    graceSeconds: number,
    drainSeconds: number,
    onDeadline: onDeadlineField,
    logs: v.object({ maxBytes: number, keep: number }, MAP),
    nodeSelector: textMapField,
  },
  MAP,
);

/**
 * Checks the values of a stored template.
 * @throws SluiceError `failed` naming key and field
 */
export function assertTemplate(key: string, template: Template): void {
  const [found] = templateBreaks(template);
  if (found === undefined) return;
  const field = ['template', pathText(found.path)].filter((part) => part !== '').join('.');
  throw badRecord(key, { field, value: found.what, why: found.allowed });
}

/** The template to store: what is stored, with fields of newer versions, if the one that is meant says the same in the fields of this one. */
export function keptTemplate(raw: Raw | undefined, template: Template): Template {
  const stored = raw?.['template'];
  if (!v.is(templateField, stored)) return template;
  return canonicalJson(v.parse(templateField, stored)) === canonicalJson(template) ? stored : template;
}

/** An order to drain. */
export const drainField: v.GenericSchema<DrainOrder, DrainOrder> = v.object(
  {
    since: timeField,
    by: textField,
    reason: v.optional(textField),
    deadlineSeconds: v.optional(secondsField),
    onDeadline: v.optional(onDeadlineField),
    force: v.optional(flagField),
  },
  MAP,
);

/** An order to stop. */
export const stopField: v.GenericSchema<StopOrder, StopOrder> = v.object(
  {
    reason: textField,
    since: timeField,
    drainSeconds: v.optional(secondsField),
    onDeadline: v.optional(onDeadlineField),
  },
  MAP,
);

/** Free text of a record as one plain line. */
export const reasonLine = (line: string): string => plainText(line, MAX_REASON);

/** An order to drain with its texts made plain. */
export function plainDrain(order: DrainOrder): DrainOrder {
  const reason = order.reason === undefined ? undefined : reasonLine(order.reason);
  return { ...order, by: reasonLine(order.by), reason };
}
