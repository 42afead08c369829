/**
 * Owns recordings of load and of what is decided from it, one JSON object a line: first a header, then one line a look with what changed since
 * the line before. Pure.
 */
import * as v from 'valibot';
import { SluiceError } from '../errors.ts';
import { countField, nameField, timeField } from './fields.ts';
import { decodeLoad, type NodeLoad } from './load.ts';

const MAP = 'must be an object';
const VERSION = 1;

const amountField = v.pipe(v.number('must be a number'), v.finite('must be a number'));
const sinceField = v.pipe(amountField, v.minValue(0, 'must be a number from 0'));

const headerSchema = v.object({
  kind: v.literal('header', 'must be header'),
  version: v.literal(VERSION, `must be ${VERSION}`),
  at: timeField,
});

const itemSchema = v.object(
  { value: v.string('must be text'), createRevision: countField, modRevision: countField },
  MAP,
);
const sampleSchema = v.object({ ageMs: sinceField, load: v.record(v.string(), v.unknown(), MAP) }, MAP);
const valueSchema = v.object({ ageMs: sinceField, value: amountField }, MAP);

const lookSchema = v.object({
  kind: v.literal('look', 'must be look'),
  ms: sinceField,
  at: timeField,
  changed: v.record(v.string(), v.nullable(itemSchema), MAP),
  samples: v.record(nameField, v.nullable(sampleSchema), MAP),
  values: v.record(nameField, v.record(v.string(), valueSchema, MAP), MAP),
});

/** A stored record as it was; the key says which. */
export type RecordedItem = v.InferOutput<typeof itemSchema>;

/** What was seen at one look, besides what was known at the look before. */
export interface RecordedLook {
  /** Since the recording began, by a clock that never goes back. */
  readonly ms: number;
  /** RFC 3339. */
  readonly at: string;
  /** Records of the store by key; null: gone. */
  readonly changed: Readonly<Record<string, RecordedItem | null>>;
  /** New samples by node, and how old they were; null: it publishes none any more. */
  readonly samples: Readonly<Record<string, { readonly ageMs: number; readonly load: NodeLoad } | null>>;
  /** All values of the admins' own metrics, by service and name. */
  readonly values: Readonly<
    Record<string, Readonly<Record<string, { readonly ageMs: number; readonly value: number }>>>
  >;
}

/** The first line. */
export const recordingHeader = (at: string): string =>
  `${JSON.stringify({ kind: 'header', version: VERSION, at })}\n`;

/** The line of a look. */
export const recordingLine = (look: RecordedLook): string => `${JSON.stringify({ kind: 'look', ...look })}\n`;

/** What is wrong with a line. */
function badLine(name: string, line: number, why: string): SluiceError {
  return new SluiceError('invalid-spec', `line ${line} of ${name} is not part of a recording`, {
    why,
    fix: 'name a file that sluice monitor record wrote, or delete what follows the line before',
    details: { file: name, line },
  });
}

function parsed<T>(schema: v.GenericSchema<unknown, T>, text: string, bad: (why: string) => SluiceError): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw bad('it is not JSON');
  }
  const result = v.safeParse(schema, json, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw bad(`${v.getDotPath(issue) ?? 'the line'}: ${issue.message}`);
}

function readLook(text: string, afterMs: number, bad: (why: string) => SluiceError): RecordedLook {
  const { kind: _kind, samples, ...look } = parsed(lookSchema, text, bad);
  if (look.ms < afterMs) throw bad(`ms: ${look.ms} is before the ${afterMs} of the line before`);
  const loads = Object.entries(samples).map(([node, sample]) => {
    if (sample === null) return [node, null] as const;
    try {
      return [node, { ...sample, load: decodeLoad(node, JSON.stringify(sample.load)).value }] as const;
    } catch (error) {
      throw bad(
        error instanceof SluiceError ? `samples.${node}: ${error.why ?? error.message}` : String(error),
      );
    }
  });
  return { ...look, samples: Object.fromEntries(loads) };
}

/**
 * Reads a recording, look by look.
 * @param name of the file, for errors
 * @param onCut told the number of a last line that has no end: the recorder was killed within it, and it is left out
 * @throws SluiceError `invalid-spec` naming the line
 */
export function* readRecording(
  name: string,
  text: string,
  onCut: (line: number) => void,
): Generator<RecordedLook, void, undefined> {
  let [line, from, afterMs] = [0, 0, 0];
  while (from < text.length) {
    line += 1;
    const end = text.indexOf('\n', from);
    if (end < 0 && line > 1) {
      onCut(line);
      return;
    }
    const words = text.slice(from, end < 0 ? undefined : end);
    const bad = (why: string): SluiceError => badLine(name, line, why);
    if (line === 1) parsed(headerSchema, words, bad);
    else {
      const look = readLook(words, afterMs, bad);
      afterMs = look.ms;
      yield look;
    }
    from = end < 0 ? text.length : end + 1;
  }
  if (line === 0) throw badLine(name, 1, 'the file is empty');
}
