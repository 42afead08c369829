/**
 * Owns the words that API server and client speak (docs/apiserver.md, "The store protocol"): paths, bodies, lines, and reading them. Both
 * sides trust nothing that they have not read through here. Pure.
 */
import * as v from 'valibot';
import { SluiceError } from '../../errors.ts';
import { quoteValue } from '../../model/text.ts';
import type { KeyRange } from '../store.ts';

/** Where the routes of the store protocol are. */
export const STORE_PATH = '/store/v1';
/** Header that bounds what the server spends on a request, in milliseconds. */
export const TIMEOUT_HEADER = 'sluice-timeout-ms';
/** How often an idle watch says that it lives, and up to which revision it has told everything. */
export const BOOKMARK_MS = 2_000;
/** Items in a line of a listing. */
export const PAGE_ITEMS = 500;
/** Longest key, prefix not counted. */
const MAX_KEY = 512;

const KEY_RULE = `must be a key: 1 to ${MAX_KEY} printable ASCII characters`;
const EDGE_RULE = `must be the edge of a range: at most ${MAX_KEY} printable ASCII characters, and then at most one NUL`;
const TEXT_RULE = 'must be text without halves of characters';
const COUNT_RULE = 'must be a whole number from 0';
const LEASE_RULE = 'must be the id of a lease';

const keyField = v.pipe(v.string(KEY_RULE), v.regex(/^[\x20-\x7e]{1,512}$/, KEY_RULE));
// An empty start is the first key; a NUL at the end makes the range of one key.
const edgeField = v.pipe(v.string(EDGE_RULE), v.regex(/^[\x20-\x7e]{0,512}\0?$/, EDGE_RULE));
const rangeField = v.strictObject({ start: edgeField, end: edgeField });
const revisionField = v.pipe(v.number(COUNT_RULE), v.safeInteger(COUNT_RULE), v.minValue(0, COUNT_RULE));
const valueField = v.pipe(
  v.string(TEXT_RULE),
  v.check((text) => !/\p{Cs}/u.test(text), TEXT_RULE),
);
const leaseField = v.pipe(v.string(LEASE_RULE), v.regex(/^[0-9]{1,20}$/, LEASE_RULE));

const compareField = v.variant('kind', [
  v.strictObject({ kind: v.literal('mod-revision'), key: keyField, equals: revisionField }),
  v.strictObject({ kind: v.literal('create-revision'), key: keyField, equals: revisionField }),
  v.strictObject({ kind: v.literal('range-unchanged'), range: rangeField, revision: revisionField }),
]);
const operationField = v.variant('kind', [
  v.strictObject({
    kind: v.literal('put'),
    key: keyField,
    value: valueField,
    lease: v.optional(leaseField),
  }),
  v.strictObject({ kind: v.literal('delete'), key: keyField }),
  v.strictObject({ kind: v.literal('delete-range'), range: rangeField }),
]);
const itemField = v.object({
  key: v.string(),
  value: v.string(),
  createRevision: revisionField,
  modRevision: revisionField,
  version: revisionField,
  lease: v.optional(v.string()),
});
const eventField = v.variant('kind', [
  v.object({ kind: v.literal('put'), item: itemField }),
  v.object({ kind: v.literal('delete'), key: v.string(), revision: revisionField }),
]);

/** Body of `transact`: a guarded transaction (resolve.ts). */
export const transactBody = v.strictObject({
  compares: v.array(compareField, 'must be a list of compares'),
  operations: v.array(operationField, 'must be a list of operations'),
  elseGet: v.optional(keyField),
});
/** Body of `lease/grant`. */
export const grantBody = v.strictObject({
  ttlSeconds: v.pipe(
    v.number('must be 1 to 86400 seconds'),
    v.integer('must be 1 to 86400 seconds'),
    v.minValue(1, 'must be 1 to 86400 seconds'),
    v.maxValue(86_400, 'must be 1 to 86400 seconds'),
  ),
});
/** Body of `lease/renew` and `lease/revoke`. */
export const leaseBody = v.strictObject({ lease: leaseField });

/** Answer of `transact`; `found` is what `elseGet` names. */
export const transactAnswer = v.variant('kind', [
  v.object({ kind: v.literal('done'), revision: revisionField }),
  v.object({ kind: v.literal('conflict'), revision: revisionField, found: v.optional(itemField) }),
]);
/** Answer of `get`. */
export const getAnswer = v.object({ revision: revisionField, item: v.optional(itemField) });
/** Answer of `count`. */
export const countAnswer = v.object({ revision: revisionField, count: revisionField });
/** Answer of `lease/grant`. */
export const grantAnswer = v.object({ id: v.string(), ttlSeconds: revisionField });
/** Answer of `lease/renew`. */
export const renewAnswer = v.object({ state: v.picklist(['renewed', 'gone']) });
/** Answer of `lease/revoke`. */
export const revokeAnswer = v.object({});
/** Answer of `status`. */
export const statusAnswer = v.object({ revision: revisionField, version: v.string() });
/** A line of a listing: its revision first, then pages, then its end. */
export const listLine = v.union([
  v.object({ revision: revisionField }),
  v.object({ items: v.array(itemField) }),
  v.object({ end: v.literal(true) }),
]);
/** A line of a watch. */
export const watchLine = v.variant('type', [
  v.object({ type: v.literal('ready') }),
  v.object({ type: v.literal('events'), events: v.array(eventField) }),
  v.object({ type: v.literal('bookmark'), revision: revisionField }),
  v.object({ type: v.literal('end'), kind: v.picklist(['compacted', 'lost']), why: v.string() }),
]);
/** A refusal, whatever was asked. */
export const errorAnswer = v.object({
  kind: v.literal('Error'),
  code: v.string(),
  message: v.string(),
  why: v.nullable(v.string()),
  fix: v.nullable(v.string()),
  details: v.record(v.string(), v.unknown()),
});

/** A schema of this file. */
export type WireSchema = v.GenericSchema;

/** What a schema reads. */
export type Read<S extends WireSchema> = v.InferOutput<S>;

/**
 * Reads a parsed body or query.
 * @throws SluiceError `invalid-spec` naming the field
 */
export function readRequest<S extends WireSchema>(schema: S, value: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw wrongField(v.getDotPath(issue) ?? 'body', issue.input, issue.message);
}

/** Reads an answer; undefined if it is none of ours. */
export function readAnswer<S extends WireSchema>(schema: S, text: string): v.InferOutput<S> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const result = v.safeParse(schema, value, { abortEarly: true });
  return result.success ? result.output : undefined;
}

/** The error for a field of a request. */
export function wrongField(field: string, value: unknown, why: string): SluiceError {
  const name = field.replaceAll(/[^\w.[\]-]/g, '?').slice(0, 80);
  return new SluiceError('invalid-spec', `${name}: ${quoteValue(value)} is not valid`, {
    why,
    fix: 'correct the request; docs/apiserver.md has the protocol',
    details: { written: false, field: name, value: quoteValue(value), allowed: why },
  });
}

/** A key as a query names it. */
export const keyRequest = v.object({ key: keyField });
/** A range as a query names it. */
export const rangeRequest = v.object({ start: edgeField, end: edgeField });

/** The query of a range. */
export function rangeQuery({ start, end }: KeyRange): string {
  return `start=${encodeURIComponent(start)}&end=${encodeURIComponent(end)}`;
}
