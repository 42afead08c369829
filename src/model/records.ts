/**
 * Owns how stored JSON becomes checked data and back: one schema per key family (records-*.ts), unknown fields kept, every field
 * checked. What gets through here may end in kernel rules, paths and terminals. Pure.
 */
import * as v from 'valibot';
import { SluiceError } from '../errors.ts';
import { canonicalJson, isNestedWithin } from './canonical-json.ts';
import { MAX_DEPTH, MAX_VALUE_LENGTH } from './limits.ts';
import { quoteValue } from './text.ts';

/** A stored JSON object as it is, with the fields that this version does not know. */
export type Raw = Readonly<Record<string, unknown>>;

/** A decoded value with the JSON object it came from. */
export interface Decoded<T> {
  readonly value: T;
  readonly raw: Raw;
}

/** Schema of a key family: an object whose unknown keys are ignored (they stay in `raw`). */
export type RecordSchema = v.ObjectSchema<v.ObjectEntries, undefined>;

/** Why a stored value is not accepted. `field` is '' for the value as a whole. */
interface Defect {
  readonly field: string;
  readonly value: unknown;
  readonly why: string;
}

/**
 * The error for a stored value that cannot be used.
 * @param key the store key, e.g. 'service/web'
 */
export function badRecord(key: string, { field, value, why }: Defect): SluiceError {
  const where = field === '' ? '' : `, field ${plainPath(field)}`;
  return new SluiceError('failed', `stored ${quoteValue(key)}${where}: ${quoteValue(value)} is not valid`, {
    why,
    fix: 'it was not written by this sluice: publish it again, or delete the key; everything else goes on',
    details: { key, field, value: quoteValue(value), allowed: why },
  });
}

const plainPath = (path: string): string => path.replaceAll(/[^\w.[\]-]/g, '?').slice(0, 80);

/**
 * The stored JSON object alone.
 * @param key the store key, for the error
 * @throws SluiceError `failed` naming the key
 */
export function readRaw(key: string, json: string): Raw {
  if (json.length > MAX_VALUE_LENGTH) {
    throw badRecord(key, {
      field: '',
      value: json,
      why: `a stored value has at most ${MAX_VALUE_LENGTH} characters`,
    });
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    throw badRecord(key, { field: '', value: json, why: 'a stored value must be JSON' });
  }
  if (!isRaw(parsed))
    throw badRecord(key, { field: '', value: parsed, why: 'a stored value must be a JSON object' });
  if (!isNestedWithin(parsed, MAX_DEPTH)) {
    throw badRecord(key, { field: '', value: parsed, why: `a stored value may be nested ${MAX_DEPTH} deep` });
  }
  return parsed;
}

function isRaw(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Parses and checks stored JSON.
 * @param key the store key, for the error
 * @throws SluiceError `failed` naming key and field
 */
export function decodeRecord<S extends RecordSchema>(
  key: string,
  json: string,
  schema: S,
): Decoded<v.InferOutput<S>> {
  const raw = readRaw(key, json);
  const result = v.safeParse(schema, raw, { abortEarly: true });
  if (result.success) return { value: result.output, raw };
  const issue = result.issues[0];
  throw badRecord(key, { field: v.getDotPath(issue) ?? '', value: issue.input, why: issue.message });
}

/**
 * Canonical JSON of a record: the fields of this version, and what `raw` holds of other versions.
 * @param fields the stored form, one property for each entry of the schema
 */
export function encodeRecord<S extends RecordSchema>(
  schema: S,
  fields: v.InferInput<S>,
  raw: Raw = {},
): string {
  const unknown = Object.entries(raw).filter(([key]) => !Object.hasOwn(schema.entries, key));
  return canonicalJson(Object.fromEntries([...unknown, ...Object.entries(fields)]));
}
